"""Values as texts of other notations: CEL's extension of encoders, and what is ours."""

from __future__ import annotations

import base64
import binascii
import html
import json
from typing import Any, NoReturn
from urllib.parse import quote

from saltern_runtime.expr.bounds import fitting
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.values import plain


def base64_encode(value: bytes) -> str:
    """Write octets as base64."""
    return base64.b64encode(value).decode("ascii")


def base64_decode(value: str) -> bytes:
    """Read base64, with its padding or without."""
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ExprError("invalid-argument", "the text is no base64") from None


def json_encode(value: Any) -> str:
    """Write a value as JSON, without white space; raises `ExprError` for what JSON has not."""
    try:
        return fitting(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    except ValueError:
        raise ExprError("not-json", "JSON has neither NaN nor infinity") from None


def json_decode(value: str) -> Any:
    """Read JSON."""
    try:
        return json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ExprError("invalid-argument", f"the text is no JSON: {said}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


def url_encode(value: str) -> str:
    """Write a text so that it is one part of a URL: all but letters, digits and `-._~` is escaped."""
    try:
        return fitting(quote(value, safe=""))
    except UnicodeEncodeError:
        raise ExprError("invalid-argument", "the text has half of a character in it") from None


def html_escape(value: str) -> str:
    """Write a text so that HTML shows it, also within an attribute's quotes."""
    return fitting(html.escape(value))


def slack_escape(value: str) -> str:
    """Write a text so that Slack shows it: no mention, no channel, no link (its own rule: three characters)."""
    return fitting(html.escape(value, quote=False))
