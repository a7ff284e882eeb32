"""Findings as GitHub Actions take them from a log: workflow commands, which become annotations of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from saltern_compiler.diagnostics.checked import Checked, told
from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.places import Span
from saltern_compiler.diagnostics.render import by_place

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = {**_DATA, ":": "%3A", ",": "%2C"}
"""What the parser of workflow commands takes for its own, and how it wants that written."""


def render_github(checked: Iterable[Checked]) -> str:
    """Write a line for each finding; what the source allows is left out. Empty without findings."""
    return "".join(f"{line}\n" for each in checked for line in _commands(each))


def _commands(checked: Checked) -> Iterator[str]:
    for diagnostic, span in by_place(checked.diagnostics, checked.source):
        properties = {"file": checked.name, **_place(span), "title": diagnostic.code}
        written = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
        yield f"::{_command(diagnostic)} {written}::{_escaped(told(diagnostic), _DATA)}"


def _command(diagnostic: Diagnostic) -> str:
    return diagnostic.severity.value


def _place(span: Span | None) -> dict[str, str]:
    """Return the lines and columns of a place; GitHub knows columns only where both are on one line."""
    if span is None:
        return {"line": "1"}
    lines = {"line": str(span.first.line), "endLine": str(span.last.line)}
    if span.first.line != span.last.line:
        return lines
    return {**lines, "col": str(span.first.column), "endColumn": str(span.last.column)}


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)
