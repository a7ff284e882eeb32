"""How webhooks are signed: a scheme a vendor, and those that say where they put what."""

from __future__ import annotations

from typing import Final

from saltern_runtime.web.signatures.base import Scheme, SignatureError
from saltern_runtime.web.signatures.hmacs import GitHub, Hmac, Shopify, Slack
from saltern_runtime.web.signatures.shared import Basic, Token
from saltern_runtime.web.signatures.standard import Standard
from saltern_runtime.web.signatures.stripe import Stripe

NONE: Final = "none"
"""The word for a webhook that checks nothing."""
SCHEMES: Final[dict[str, Scheme]] = {
    "standard": Standard(),
    "github": GitHub(),
    "stripe": Stripe(),
    "slack": Slack(),
    "shopify": Shopify(),
    "basic": Basic(),
    "token": Token(),
}
"""The schemes that a word names."""

__all__ = ["NONE", "SCHEMES", "Basic", "Hmac", "Scheme", "SignatureError", "Token"]
