"""Rewrites nodes of a text in place: comments and line ends stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from saltern_compiler.frontend.language.print_values import ValueWriter, key
from saltern_compiler.frontend.moves import Entries, Move, Replaced, entries_of
from saltern_compiler.ir.pipeline import Node
from saltern_runtime.spec import Json

_WRITER: Final = ValueWriter({}, str)
_COMMA: Final = re.compile(r"[ \t]*,")
_REST: Final = re.compile(r"[ \t]*(#[^\n]*|,[ \t]*(#[^\n]*)?)?\r?\Z")


def move_nodes(text: str, moves: Sequence[Move]) -> list[Replaced]:
    """Return what to replace; the text has no finding about its syntax."""
    return [change for move in moves for change in _moved(text, move)]


def _moved(text: str, move: Move) -> Iterator[Replaced]:
    node = move.node
    yield Replaced(*_span(node, "type"), f"{node.type}@{move.version}")
    made = entries_of(move)
    for old, new in made.names.items():
        yield Replaced(*_span(node, f"param:{old}"), key(new))
    for old, value in made.values.items():
        yield Replaced(*_span(node, f"value:{old}"), f": {_WRITER.literal(value)}")
    spans = sorted(_entry(node, name) for name, _ in node.params if (f"value:{name}") in dict(node.origins))
    gone = {_entry(node, name) for name in made.dropped}
    for at, span in enumerate(spans):
        if span in gone:
            before = spans[at - 1] if at else None
            yield _removed(text, span, is_last=at == len(spans) - 1, follows=before is not None and before not in gone)
    if made.added:
        yield _added(text, node, spans, made)


def _span(node: Node, part: str) -> tuple[int, int]:
    origin = node.place(part)
    assert origin.start is not None, "text has offsets"
    assert origin.end is not None, "text has offsets"
    return origin.start, origin.end


def _entry(node: Node, name: str) -> tuple[int, int]:
    return _span(node, f"param:{name}")[0], _span(node, f"value:{name}")[1]


def _removed(text: str, span: tuple[int, int], *, is_last: bool, follows: bool) -> Replaced:
    """Take an entry out with its comma; a line that has nothing else goes with it, a comment stays."""
    start, end = span
    comma = _COMMA.match(text, end)
    if comma is not None:
        end = comma.end()
    elif is_last and follows:
        at = start
        while text[at - 1] in " \t":
            at -= 1
        start = at - 1 if text[at - 1] == "," else start
    line = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end)
    if after >= 0 and not text[line:start].strip() and not text[end:after].strip():
        return Replaced(line, after + 1, "")
    while end < len(text) and text[end] in " \t" and text[start - 1] in " \t{":
        end += 1
    return Replaced(start, end, "")


def _added(text: str, node: Node, spans: Sequence[tuple[int, int]], made: Entries) -> Replaced:
    """Write new entries behind the last one: on a line of their own where that one has one."""
    start, end = _span(node, "params")
    written = [_written(name, value) for name, value in made.added]
    if not spans:
        inner = text[start + 1 : end - 1]
        at = end - 1 if inner.strip() else start + 1
        line = text.rfind("\n", 0, end - 1) + 1
        if "\n" in inner and not text[line : end - 1].strip():
            indent = text[line : end - 1] + "  "
            return Replaced(line, line, "".join(f"{indent}{each}{_newline(text)}" for each in written))
        return Replaced(at, end - 1, f" {', '.join(written)} ")
    last = spans[-1]
    line_end = text.find("\n", last[1], end)
    if line_end < 0:
        return Replaced(last[1], last[1], "".join(f", {each}" for each in written))
    line = text.rfind("\n", 0, last[0]) + 1
    indent = text[line : last[0]]
    if indent.strip():
        indent = re.match(r"[ \t]*", text[line:]).group() + "  "  # type: ignore[union-attr]  # it matches nothing at least
    at = line_end - text.endswith("\r", 0, line_end)
    comma = "" if _REST.match(text[last[1] : line_end]) else ","
    return Replaced(at, at, comma + "".join(f"{_newline(text)}{indent}{each}" for each in written))


def _written(name: str, value: Json) -> str:
    return f"{key(name)}: {_WRITER.literal(value)}"


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
