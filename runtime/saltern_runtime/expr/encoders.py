"""Values as texts of other notations: CEL's extension of encoders, and what is ours."""

from __future__ import annotations

import base64
import binascii

from saltern_runtime.expr.errors import ExprError


def base64_encode(value: bytes) -> str:
    """Write octets as base64."""
    return base64.b64encode(value).decode("ascii")


def base64_decode(value: str) -> bytes:
    """Read base64, with its padding or without."""
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ExprError("invalid-argument", "the text is no base64") from None
