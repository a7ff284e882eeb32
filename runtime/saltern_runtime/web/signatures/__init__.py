"""How webhooks are signed: a scheme a vendor, and those that say where they put what."""

from __future__ import annotations

from typing import Final

from saltern_runtime.web.signatures.base import Scheme, SignatureError
from saltern_runtime.web.signatures.hmacs import GitHub, Hmac, Shopify, Slack
from saltern_runtime.web.signatures.shared import Basic, Token
from saltern_runtime.web.signatures.standard import Standard
from saltern_runtime.web.signatures.stripe import Stripe

STANDARD: Final = Standard()
GITHUB: Final = GitHub()
STRIPE: Final = Stripe()
SLACK: Final = Slack()
SHOPIFY: Final = Shopify()
NONE: Final = "none"
"""The word for a webhook that checks nothing."""
SCHEMES: Final[dict[str, Scheme]] = {
    "standard": STANDARD,
    "github": GITHUB,
    "stripe": STRIPE,
    "slack": SLACK,
    "shopify": SHOPIFY,
    "basic": Basic(),
    "token": Token(),
}
"""The schemes that a word names."""

__all__ = [
    "GITHUB",
    "NONE",
    "SCHEMES",
    "SHOPIFY",
    "SLACK",
    "STANDARD",
    "STRIPE",
    "Basic",
    "Hmac",
    "Scheme",
    "SignatureError",
    "Token",
]
