"""JSON Lines: an object a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from saltern_runtime.integers import INT_MAX, INT_MIN
from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.nodes.file.refusal import Refusal


def is_json_lines(text: str) -> bool:
    """Whether the first line that is not empty is an object, be it one that nests too deeply."""
    first = re.match(r"\s*(\{[^\n]*)", text)
    if first is None:
        return False
    try:
        return isinstance(read_json(first[1]), dict)
    except JsonTextError as error:
        return error.code == "nested-too-deeply"


def lines_of(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the object of each line with the line's number; raises Refusal."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = read_json(line)
        except JsonTextError as error:
            raise Refusal(error.code, f"line {number} {error}") from None
        if not isinstance(value, dict):
            raise Refusal("wrong-row", f'line {number} is no object; each line of JSON Lines is a row: {{"id": 1}}')
        if not _fits(value):
            raise Refusal("wrong-row", f"line {number} holds an integer of more than 64 bits")
        yield number, value


def _fits(value: object) -> bool:
    waits = [value]
    while waits:
        found = waits.pop()
        if isinstance(found, dict):
            waits += found.values()
        elif isinstance(found, list):
            waits += found
        elif isinstance(found, int) and not INT_MIN <= found <= INT_MAX:
            return False
    return True
