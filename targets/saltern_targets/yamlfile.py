"""Writes trees as YAML in blocks, lists indented and without anchors: byte for byte what PyYAML writes, in a tenth of its time.

How a text looks is a caller's; the two that there are ask PyYAML, once for each text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Scalar: TypeAlias = Callable[[Any, bool], str]
"""`scalar(value, flow)` writes a text, number, boolean or null; `flow`: inside of a list on one line."""

LONG: Final = 100
"""Characters of a text that PyYAML writes another way as a key, or may break into lines where it stands deep."""


_BREAK: Final = re.compile(r"[\n\r\x85\u2028\u2029]")


class Line(list[str]):
    """A list that is written on one line, as a command."""


def is_simple(tree: Any) -> bool:
    """Whether the texts of a tree look the same wherever they stand: of one line, and not long. Others are PyYAML's own."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if len(value) > LONG or _BREAK.search(value):
                return False
        elif isinstance(value, dict):
            if not all(key and isinstance(key, str) for key in value):
                return False
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return True


def block(value: Any, scalar: Scalar) -> str:
    """Write a tree of dicts and lists that is simple, and not empty."""
    out: list[str] = []
    _write(value, scalar, "", out)
    return "".join(out)


def _write(value: Any, scalar: Scalar, indent: str, out: list[str]) -> None:
    """Write the lines of a tree; the first one has no indentation."""
    first, deeper = "", indent + "  "
    if isinstance(value, dict):
        for key, part in value.items():
            if _is_nested(part):
                out.append(f"{first}{scalar(key, False)}:\n{deeper}")
                _write(part, scalar, deeper, out)
            else:
                out.append(f"{first}{scalar(key, False)}: {_inline(part, scalar)}\n")
            first = indent
        return
    for part in value:
        if _is_nested(part):
            out.append(f"{first}- ")
            _write(part, scalar, deeper, out)
        else:
            out.append(f"{first}- {_inline(part, scalar)}\n")
        first = indent


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value) and not isinstance(value, Line)


def _inline(value: Any, scalar: Scalar) -> str:
    if isinstance(value, Line):
        return f"[{', '.join(scalar(part, True) for part in value)}]"
    if isinstance(value, dict):
        return "{}"
    return "[]" if isinstance(value, list) else scalar(value, False)
