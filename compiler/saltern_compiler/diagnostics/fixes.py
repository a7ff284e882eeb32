"""Fixes, applied to a text."""

from __future__ import annotations

from collections.abc import Sequence

from saltern_compiler.diagnostics.model import Diagnostic, Fix
from saltern_compiler.diagnostics.places import Places, Source
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text after its fixes, and which ones were applied."""

    text: str
    fixes: tuple[Fix, ...]


def apply_fixes(text: str, diagnostics: Sequence[Diagnostic], locator: Places | None = None) -> Fixed:
    """Apply the first fix of each finding, each whole or not at all: of fixes that touch the same text, the first wins.

    What is fixed may bring other findings to light, so check the text again.
    """
    source = Source(text, locator)
    taken: list[tuple[int, int]] = []
    changes: list[tuple[int, int, str]] = []
    applied: list[Fix] = []
    for diagnostic in diagnostics:
        if not diagnostic.fixes:
            continue
        fix = diagnostic.fixes[0]
        wanted = _changes(fix, source)
        if wanted is None or any(_clash(change, other) for change in wanted for other in taken):
            continue
        taken += [(start, end) for start, end, _ in wanted]
        changes += wanted
        applied.append(fix)
    for start, end, replacement in sorted(changes, key=lambda change: change[:2], reverse=True):
        text = text[:start] + replacement + text[end:]
    return Fixed(text, tuple(applied))


def _changes(fix: Fix, source: Source) -> list[tuple[int, int, str]] | None:
    spans = [(source.span(edit.origin), edit.text) for edit in fix.edits]
    changes = [(span.start, span.end, replacement) for span, replacement in spans if span is not None]
    return changes if len(changes) == len(spans) else None


def _clash(change: tuple[int, int, str], other: tuple[int, int]) -> bool:
    """Tell whether two changes touch the same characters; two insertions at one place do."""
    start, end, _ = change
    return (start, end) == other or (start < other[1] and other[0] < end)
