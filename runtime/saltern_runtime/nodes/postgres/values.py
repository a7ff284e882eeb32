"""Values of statements, in and out.

In: null, bool, int, double and text as they are; an object as jsonb; a list as an array, or as jsonb where it holds
objects or lists. Out: numeric as text (nothing is lost), times as ISO 8601, an interval with its months as such (P1M2DT3H), uuid as text,
bytea as base64, json and arrays as their values, infinite numbers as text, everything else as PostgreSQL's text for it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any


def into(value: object) -> object:
    """Turn a pipeline's value into what psycopg sends."""
    from psycopg.types.json import Jsonb  # noqa: PLC0415 - reading the spec needs no SDK

    from saltern_runtime.models import plain  # noqa: PLC0415 - reading the spec needs no pydantic

    if isinstance(value, list | tuple):
        items = [plain(item) for item in value]
        return Jsonb(items) if any(isinstance(item, list | dict) for item in items) else items
    if isinstance(value, Mapping) or hasattr(value, "model_dump"):
        return Jsonb(plain(value))
    return value


def out(value: Any) -> Any:
    """Turn what psycopg reads into plain JSON."""
    from saltern_runtime.models import plain  # noqa: PLC0415 - reading the spec needs no pydantic

    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [out(item) for item in value]
    if isinstance(value, dict):
        return {str(key): out(member) for key, member in value.items()}
    return plain(value)
