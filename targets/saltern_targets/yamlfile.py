"""Writes trees as YAML in blocks, lists indented and without anchors: byte for byte what PyYAML writes, in a tenth of its time.

How a text looks is a caller's; the two that there are ask PyYAML, once for each text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

Scalar: TypeAlias = Callable[[Any, bool], str]
"""`scalar(value, flow)` writes a text, number, boolean or null; `flow`: inside of a list on one line."""

LONG: Final = 100
"""Characters of a text that PyYAML writes another way as a key, or may break into lines where it stands deep."""


_BREAK: Final = re.compile(r"[\n\r\x85\u2028\u2029]")


class Line(list[str]):
    """A list that is written on one line, as a command."""


def is_simple(value: Any) -> bool:
    """Whether the texts of a tree look the same wherever they stand: of one line, and not long. Others are PyYAML's own."""
    if isinstance(value, Mapping):
        return all(
            bool(key) and isinstance(key, str) and is_simple(key) and is_simple(part) for key, part in value.items()
        )
    if isinstance(value, list | tuple):
        return all(is_simple(part) for part in value)
    return not isinstance(value, str) or (len(value) <= LONG and not _BREAK.search(value))


def block(value: Any, scalar: Scalar) -> str:
    """Write a tree that is simple, and not empty."""
    return "".join(_lines(value, scalar, ""))


def _lines(value: Any, scalar: Scalar, indent: str) -> Iterator[str]:
    """Yield lines; the first one has no indentation."""
    first = ""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield f"{first}{scalar(key, False)}:"
            yield from _behind_key(part, scalar, indent)
            first = indent
        return
    for part in value:
        yield f"{first}- "
        if _is_nested(part):
            yield from _lines(part, scalar, indent + "  ")
        else:
            yield f"{_inline(part, scalar)}\n"
        first = indent


def _behind_key(part: Any, scalar: Scalar, indent: str) -> Iterator[str]:
    if not _is_nested(part):
        yield f" {_inline(part, scalar)}\n"
        return
    deeper = indent + "  "
    yield f"\n{deeper}"
    yield from _lines(part, scalar, deeper)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value) and not isinstance(value, Line)


def _inline(value: Any, scalar: Scalar) -> str:
    if isinstance(value, Line):
        return f"[{', '.join(scalar(part, True) for part in value)}]"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return scalar(value, False)
