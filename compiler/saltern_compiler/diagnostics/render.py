"""Findings for people and for programs: on a terminal with the source line underlined, and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from saltern_compiler.diagnostics.lookalikes import cover, veil
from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.places import Places, Source, Span, visible, width
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Severity

SCHEMA_VERSION: Final = 1
_COLUMNS: Final = 120
"""Columns of a source line that are shown at most."""
_BEFORE: Final = 30
"""Columns shown before the place in a line that is longer."""
_NEAR: Final = 4 * _COLUMNS
"""Characters around a place that are looked at: a line of a document may have millions, and a finding for each hundred of them."""
_STYLES: Final = {"error": "1;31", "warning": "1;33", "bold": "1", "frame": "34", "fix": "32"}


def wants_color(*, is_terminal: bool, environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether to colour: on a terminal that can, unless NO_COLOR says no (no-color.org)."""
    variables = os.environ if environ is None else environ
    return is_terminal and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"


def by_place(diagnostics: Sequence[Diagnostic], source: Source) -> list[tuple[Diagnostic, Span | None]]:
    """Sort findings by their places; those that are nowhere come first."""
    placed = [(diagnostic, source.span(diagnostic.origin)) for diagnostic in diagnostics]
    return sorted(placed, key=lambda pair: ((pair[1].start, pair[1].end) if pair[1] else (-1, -1), pair[0].code))


def render_terminal(
    diagnostics: Sequence[Diagnostic],
    text: str,
    source_name: str,
    color: bool = False,
    *,
    locator: Places | None = None,
) -> str:
    """Show findings with the source lines they are about, ordered by place, and a summary; empty without findings.

    `locator` finds the places of editor documents; without one, those show their JSON Pointer instead of a source line.
    """
    if not diagnostics:
        return ""
    source = Source(text, locator)
    placed = by_place(diagnostics, source)
    secrets = tuple(span for diagnostic, span in placed if span and diagnostic.code == "literal-secret")
    page = _Page(source, visible(source_name), color, secrets)
    blocks = ["\n".join(page.block(diagnostic, span)) for diagnostic, span in placed]
    return "\n\n".join([*blocks, page.summary(diagnostics)]) + "\n"


@dataclass(frozen=True, slots=True)
class _Page:
    source: Source
    name: str
    color: bool
    secrets: tuple[Span, ...]
    """Where secrets stand, whatever they look like: no finding shows them."""

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color else text

    def block(self, diagnostic: Diagnostic, span: Span | None) -> Iterator[str]:
        severity = diagnostic.severity.value
        head = self.paint(f"{severity}[{visible(diagnostic.code)}]", severity)
        yield f"{head}: {self.paint(visible(diagnostic.message), 'bold')}"
        places = [self.source.span(related.origin) for related in diagnostic.related]
        margin = max((len(str(place.first.line)) for place in (span, *places) if place), default=1)
        yield from self.snippet(diagnostic.origin, span, margin, severity)
        for related, place in zip(diagnostic.related, places, strict=True):
            yield f"{' ' * margin} {self.paint('=', 'frame')} {visible(related.message)}"
            yield from self.snippet(related.origin, place, margin, "frame")
        for note in diagnostic.notes:
            yield f"{' ' * margin} {self.paint('=', 'frame')} {visible(note)}"
        for fix in diagnostic.fixes:
            yield f"{' ' * margin} {self.paint('=', 'frame')} {self.paint('fix:', 'fix')} {visible(fix.title)}"

    def snippet(self, origin: Origin, span: Span | None, margin: int, style: str) -> Iterator[str]:
        arrow = self.paint("-->", "frame")
        if span is None:
            where = self.name if origin.pointer is None else f"{self.name} at {visible(origin.pointer) or 'the top'}"
            yield f"{' ' * margin}{arrow} {where}"
            return
        line = self.line(span.first.line)
        before, marked, after, underline = _fit(line, span, len(line) + 1)
        bar = self.paint("|", "frame")
        number = self.paint(str(span.first.line).rjust(margin), "frame")
        yield f"{' ' * margin}{arrow} {self.name}:{span.first}"
        yield f"{' ' * margin} {bar}"
        yield f"{number} {bar} {before}{marked}{after}".rstrip()
        rest = f" to line {span.last.line}" if span.last.line > span.first.line else ""
        yield f"{' ' * margin} {bar} {' ' * width(before)}{self.paint('^' * underline + rest, style)}"

    def line(self, number: int) -> str:
        """Return a line of the source as it may be shown."""
        line = _veiled(self.source.line(number))
        for span in self.secrets:
            if span.first.line <= number <= span.last.line:
                start = span.first.column - 1 if number == span.first.line else 0
                end = span.last.column - 1 if number == span.last.line else len(line)
                line = line[:start] + cover(line[start:end]) + line[end:]
        return line

    def summary(self, diagnostics: Sequence[Diagnostic]) -> str:
        errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
        warnings = len(diagnostics) - errors
        counted = [_count(errors, "error")] * bool(errors) + [_count(warnings, "warning")] * bool(warnings)
        fixable = sum(bool(diagnostic.fixes) for diagnostic in diagnostics)
        tail = f"; {fixable} can be fixed" if fixable else ""
        return f"{self.paint(' and '.join(counted), 'bold')} in {self.name}{tail}"


@lru_cache(maxsize=8)
def _veiled(line: str) -> str:
    """Veil a line that many findings may stand in."""
    return veil(line)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _fit(line: str, span: Span, line_end: int) -> tuple[str, str, str, int]:
    """Cut a line around its marked part: what stands before, in and after it, and how many columns to underline."""
    start = span.first.column - 1
    end = span.last.column - 1 if span.last.line == span.first.line else line_end
    near, far = max(0, start - _NEAR), min(end, start + _NEAR)
    before, marked, after = visible(line[near:start]), visible(line[start:far]), visible(line[end : end + _NEAR])
    if width(before) + width(marked) + width(after) > _COLUMNS:
        if width(before) > _BEFORE:
            before = "…" + before[len(before) - _BEFORE :]
        room = _COLUMNS - width(before)
        if width(marked) > room:
            marked, after = marked[: room - 1] + "…", ""
        else:
            left = room - width(marked)
            after = after if width(after) <= left else after[: max(left - 1, 0)] + "…"
    return before, marked, after, max(width(marked), 1)


def render_json(
    diagnostics: Sequence[Diagnostic], text: str, source_name: str, *, locator: Places | None = None
) -> str:
    """Write findings as one JSON document, ordered by place; its shape is schemas/diagnostics.v1.json."""
    source = Source(text, locator)
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "source": source_name,
        "errors": sum(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics),
        "warnings": sum(diagnostic.severity is Severity.WARNING for diagnostic in diagnostics),
        "diagnostics": [_as_json(diagnostic, span, source) for diagnostic, span in by_place(diagnostics, source)],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _as_json(diagnostic: Diagnostic, span: Span | None, source: Source) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "pointer": diagnostic.origin.pointer,
        "range": _range(span),
        "notes": list(diagnostic.notes),
        "related": [
            {
                "message": related.message,
                "pointer": related.origin.pointer,
                "range": _range(source.span(related.origin)),
            }
            for related in diagnostic.related
        ],
        "fixes": [
            {
                "title": fix.title,
                "edits": [{"range": _range(source.span(edit.origin)), "text": edit.text} for edit in fix.edits],
            }
            for fix in diagnostic.fixes
        ],
    }


def _range(span: Span | None) -> dict[str, dict[str, int]] | None:
    if span is None:
        return None
    return {
        "start": {"line": span.first.line, "column": span.first.column},
        "end": {"line": span.last.line, "column": span.last.column},
    }
