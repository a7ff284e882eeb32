"""Findings as the Language Server Protocol 3.17 has them: lines count from 0, characters in UTF-16 code units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.places import START, LineColumn, Source, Span
from saltern_compiler.diagnostics.render import by_place
from saltern_runtime.spec import Severity

_SEVERITIES: Final[Mapping[Severity, int]] = {Severity.ERROR: 1, Severity.WARNING: 2}


def to_lsp(diagnostics: Sequence[Diagnostic], source: Source, uri: str = "") -> list[dict[str, Any]]:
    """Return `Diagnostic` objects, ordered by place, as `textDocument/publishDiagnostics` takes them.

    Notes stand below the message. Fixes are in `data.fixes`, each with its `title` and its `edits` (`TextEdit` objects).
    Places in other parts of the document go by `uri`; without one there are none.
    """
    return [_diagnostic(diagnostic, span, source, uri) for diagnostic, span in by_place(diagnostics, source)]


def lsp_range(source: Source, origin: Origin) -> dict[str, dict[str, int]]:
    """Return the `Range` of an origin; what is nowhere is at the start."""
    return _range(source.span(origin), source)


def _diagnostic(diagnostic: Diagnostic, span: Span | None, source: Source, uri: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "range": _range(span, source),
        "severity": _SEVERITIES[diagnostic.severity],
        "code": diagnostic.code,
        "source": "saltern",
        "message": "\n".join((diagnostic.message, *diagnostic.notes)),
    }
    if diagnostic.related and uri:
        result["relatedInformation"] = [
            {"location": {"uri": uri, "range": lsp_range(source, other.origin)}, "message": other.message}
            for other in diagnostic.related
        ]
    if diagnostic.fixes:
        result["data"] = {
            "fixes": [
                {
                    "title": fix.title,
                    "edits": [{"range": lsp_range(source, edit.origin), "newText": edit.text} for edit in fix.edits],
                }
                for fix in diagnostic.fixes
            ]
        }
    return result


def _range(span: Span | None, source: Source) -> dict[str, dict[str, int]]:
    first, last = (span.first, span.last) if span is not None else (START, START)
    return {"start": _position(first, source), "end": _position(last, source)}


def _position(place: LineColumn, source: Source) -> dict[str, int]:
    before = source.line(place.line)[: place.column - 1]
    return {"line": place.line - 1, "character": len(before.encode("utf-16-le", "surrogatepass")) // 2}
