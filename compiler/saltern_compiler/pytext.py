"""The two doors through which user text enters Python: a literal, and an identifier."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Set
from itertools import chain, count
from typing import Final

from saltern_compiler.characters import decompose, is_printable
from saltern_compiler.pynames import BUILTINS, KEYWORDS
from saltern_runtime.spec.names import AMBIENT
from saltern_runtime.spec.types import Json

_PLAIN: Final = re.compile(r"[^A-Za-z0-9_]+")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SAFE: Final = re.compile(r"[ !#-&(-\[\]-~]*")
"""Texts that stand as they are between any quotes."""
RESERVED: Final[Set[str]] = frozenset({*KEYWORDS, *BUILTINS, *AMBIENT, "ctx", "self", "cls", "l", "I", "O"})
"""Names that no mangled identifier takes: keywords, builtins, the names that generated functions give a meaning, and what reads like a digit."""


def literal(value: Json) -> str:
    """Write a JSON value as a Python literal on one line, in ASCII-safe, double-quoted form.

    The one way for user text to enter Python code as data.
    """
    match value:
        case None | bool():
            return repr(value)
        case str():
            return string(value)
        case int():
            return repr(value)
        case float():
            return repr(value).replace("e+", "e") if math.isfinite(value) else f'float("{value}")'
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{string(key)}: {literal(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def string(value: str) -> str:
    """Write a string literal as ruff formats it: double quotes unless that needs more escapes; nothing unprintable stays."""
    quote = quote_for(value)
    return quote + escape(value, quote) + quote


def quote_for(value: str) -> str:
    """Choose the quotes as ruff does: double ones, unless single ones need fewer escapes."""
    return "'" if value.count('"') > value.count("'") else '"'


def escape(value: str, quote: str = '"') -> str:
    """Escape the inside of a string literal; printable characters stay, but bidi and other format controls do not."""
    if _SAFE.fullmatch(value):
        return value
    out: list[str] = []
    for char in value:
        code = ord(char)
        if char in ("\\", quote):
            out.append("\\" + char)
        elif char in _SHORT:
            out.append(_SHORT[char])
        elif is_printable(char):
            out.append(char)
        elif code < 0x100:
            out.append(f"\\x{code:02x}")
        elif code < 0x10000:
            out.append(f"\\u{code:04x}")
        else:
            out.append(f"\\U{code:08x}")
    return "".join(out)


_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def identifier(text: str, taken: Iterable[str] = ()) -> str:
    """Turn any text into an ASCII Python identifier that is not in `taken` and no reserved word.

    Plain identifiers stay as they are; clashes get `_`, `_2`, `_3`, … so that the same inputs give the same names.
    """
    base = text if _NAME.fullmatch(text) else _as_name(text)
    known = taken if isinstance(taken, Set) else frozenset(taken)  # a set of many names is not copied for one more
    if base not in known and base not in RESERVED:
        return base
    names = chain((base, f"{base}_"), (f"{base}_{number}" for number in count(2)))
    return next(name for name in names if name not in known and name not in RESERVED)


def _as_name(text: str) -> str:
    base = _PLAIN.sub("_", decompose(text).encode("ascii", "ignore").decode()) or "_"
    base = base.lstrip("_") or "x"
    return f"n{base}" if base[0].isdigit() else base


def class_name(text: str, taken: Iterable[str] = ()) -> str:
    """Turn any text into a CapWords class name that is not in `taken`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", decompose(text)) if word.isascii() and word]
    return identifier("".join(word[0].upper() + word[1:] for word in words) or "Model", taken)
