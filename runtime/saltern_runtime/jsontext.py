"""JSON as text: reading what comes from outside, which is only what every store and program can hold, and writing it short."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import chain
from typing import Final

from pydantic_core import from_json

from saltern_runtime.spec import Json

MAX_DEPTH: Final = 64
compact: Final = json.JSONEncoder(separators=(",", ":")).encode
"""Writes JSON short, in ASCII alone: what has half a surrogate pair in it stays readable."""
compact_text: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes JSON short, with the characters themselves."""


class JsonTextError(ValueError):
    """A text that is not read; `code` is a short stable word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_json(text: str | bytes) -> Json:
    """Read JSON; raises JsonTextError. A NUL character is fine, half a surrogate pair is not, and no number is infinite."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep() from error
        why = " (half of a surrogate pair is no character)" if "hex escape" in str(error) else ""
        raise JsonTextError("malformed-json", f"is not JSON: {error}{why}") from error
    _check(value)
    return value


def _check(value: Json) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Iterable[Json]] = []
        for part in level:
            if isinstance(part, dict):
                inner.append(part.values())
            elif isinstance(part, list):
                inner.append(part)
            elif isinstance(part, float) and not math.isfinite(part):
                raise JsonTextError("malformed-json", "holds a number that no double can hold")
        if not inner:
            return
        level = list(chain.from_iterable(inner))
    raise _too_deep()


def _too_deep() -> JsonTextError:
    return JsonTextError("nested-too-deeply", f"nests more than {MAX_DEPTH} levels")
