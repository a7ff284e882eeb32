"""Writes trees as YAML in blocks, lists indented and without anchors: byte for byte what PyYAML writes, in a tenth of its time.

How a text looks is a caller's; the two that there are ask PyYAML, once for each text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

Scalar: TypeAlias = Callable[[Any, bool], str]
"""`scalar(value, flow)` writes a text, number, boolean or null; `flow`: inside of a list on one line."""

Keys: TypeAlias = Callable[[dict[Any, Any]], Iterable[Any]]

LONG: Final = 100
"""Characters of a text that PyYAML writes another way as a key, or may break into lines where it stands deep."""


_BREAK: Final = re.compile(r"[\n\r\x85\u2028\u2029]")


class Line(list[str]):
    """A list that is written on one line, as a command."""


class NotSimpleError(Exception):
    """A text may look otherwise where it stands deep: the tree that it is in is PyYAML's own to write."""


def require_simple(value: Any) -> None:
    """Raise NotSimpleError for a text of several lines, and for a long one; for a writer of scalars that asks once for each."""
    if isinstance(value, str) and (len(value) > LONG or _BREAK.search(value)):
        raise NotSimpleError


def block(value: Any, scalar: Scalar, keys: Keys = iter) -> str | None:
    """Write a tree of dicts and lists that is not empty; None where it is not simple, which `scalar` may tell as well.

    `keys` puts those of a mapping in their order.
    """
    out: list[str] = []
    try:
        _write(value, scalar, keys, "", out)
    except NotSimpleError:
        return None
    return "".join(out)


def _write(value: Any, scalar: Scalar, keys: Keys, indent: str, out: list[str]) -> None:
    """Write the lines of a tree; the first one has no indentation."""
    first, deeper = "", indent + "  "
    if isinstance(value, dict):
        for key in keys(value):
            if not key or key.__class__ is not str:
                raise NotSimpleError
            part = value[key]
            kind = part.__class__
            if (kind is dict or kind is list) and part:
                out.append(f"{first}{scalar(key, False)}:\n{deeper}")
                _write(part, scalar, keys, deeper, out)
            else:
                out.append(f"{first}{scalar(key, False)}: {_inline(part, scalar)}\n")
            first = indent
        return
    for part in value:
        kind = part.__class__
        if (kind is dict or kind is list) and part:
            out.append(f"{first}- ")
            _write(part, scalar, keys, deeper, out)
        else:
            out.append(f"{first}- {_inline(part, scalar)}\n")
        first = indent


def _inline(value: Any, scalar: Scalar) -> str:
    kind = value.__class__
    if kind is Line:
        return f"[{', '.join(scalar(part, True) for part in value)}]"
    if kind is dict:
        return "{}"
    return "[]" if kind is list else scalar(value, False)
