"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors read: one run over all that was checked."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final
from urllib.parse import quote

from saltern_compiler.diagnostics.checked import Checked, told
from saltern_compiler.diagnostics.model import Diagnostic, Fix, Origin, Suppressed
from saltern_compiler.diagnostics.places import Source, Span
from saltern_compiler.diagnostics.render import by_place
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.codes import Code
from saltern_runtime.version import __version__

VERSION: Final = "2.1.0"
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT: Final = "saltern/v1"
"""Names how fingerprints are made: another way gets another name."""

Page = Callable[[str], str | None]
"""From a code to what explains it."""


def render_sarif(checked: Sequence[Checked], codes: Mapping[str, Code], page: Page) -> str:
    """Write one document about all texts; what their sources allow is there too, marked as suppressed."""
    results = [*chain.from_iterable(map(_results, checked))]
    names = sorted({diagnostic.code for each in checked for diagnostic in _all(each)})
    rules = [_rule(code, codes[code], page(code)) for code in names]
    for result in results:
        result["ruleIndex"] = names.index(result["ruleId"])
    driver = {"name": "saltern", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "artifacts": [{"location": {"uri": _uri(each.name)}} for each in checked],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, ensure_ascii=False, indent=2) + "\n"


def _all(checked: Checked) -> Iterator[Diagnostic]:
    yield from checked.diagnostics
    yield from (each.diagnostic for each in checked.suppressed)


def _rule(code: str, declared: Code, page: str | None) -> dict[str, Any]:
    text = page or declared.summary
    return {
        "id": code,
        "shortDescription": {"text": declared.summary},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": declared.severity.value, "enabled": not declared.is_strict},
    }


def _results(checked: Checked) -> Iterator[dict[str, Any]]:
    reasons = {id(each.diagnostic): each for each in checked.suppressed}
    writer = _Writer(checked.source, _uri(checked.name))
    seen: Counter[tuple[str, str]] = Counter()
    for diagnostic, span in by_place(tuple(_all(checked)), writer.source):
        key = (diagnostic.code, diagnostic.message)
        yield writer.result(diagnostic, span, seen[key], reasons.get(id(diagnostic)))
        seen[key] += 1


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes what is found in one text."""

    source: Source
    uri: str

    def result(self, of: Diagnostic, span: Span | None, number: int, allowed: Suppressed | None) -> dict[str, Any]:
        result: dict[str, Any] = {
            "ruleId": of.code,
            "level": of.severity.value,
            "message": {"text": told(of)},
            "locations": [self.location(of.origin, span)],
            "partialFingerprints": {FINGERPRINT: _fingerprint(of, number)},
            "suppressions": [] if allowed is None else [{"kind": "inSource", "justification": allowed.because}],
        }
        if of.related:
            result["relatedLocations"] = [
                {"id": at, "message": {"text": other.message}, **self.location(other.origin, self.span(other.origin))}
                for at, other in enumerate(of.related, 1)
            ]
        if of.is_way:
            result["codeFlows"] = [self.way(of, span)]
        fixes = [fix for fix in map(self.fix, of.fixes) if fix is not None]
        return {**result, "fixes": fixes} if fixes else result

    def location(self, origin: Origin, span: Span | None) -> dict[str, Any]:
        physical: dict[str, Any] = {"artifactLocation": {"uri": self.uri}}
        if span is not None:
            physical["region"] = _region(span)
        logical = [{"fullyQualifiedName": origin.pointer}] if origin.pointer else []
        return {"physicalLocation": physical, **({"logicalLocations": logical} if logical else {})}

    def way(self, of: Diagnostic, span: Span | None) -> dict[str, Any]:
        """Write the way to a finding as one flow through one thread: its steps, and the finding as the last."""
        steps = [(self.location(each.origin, self.span(each.origin)), each.message) for each in of.related]
        steps.append((self.location(of.origin, span), of.message))
        locations = [{"location": {**place, "message": {"text": said}}} for place, said in steps]
        return {"threadFlows": [{"locations": locations}]}

    def span(self, origin: Origin) -> Span | None:
        return self.source.span(origin)

    def fix(self, fix: Fix) -> dict[str, Any] | None:
        """Write a fix; none for one whose places are nowhere."""
        replacements = [
            {"deletedRegion": _region(span), "insertedContent": {"text": edit.text}}
            for edit in fix.edits
            if (span := self.span(edit.origin)) is not None
        ]
        if len(replacements) < len(fix.edits) or not replacements:
            return None
        change = {"artifactLocation": {"uri": self.uri}, "replacements": replacements}
        return {"description": {"text": fix.title}, "artifactChanges": [change]}


def _region(span: Span) -> dict[str, int]:
    first, last = span.first, span.last
    return {
        "startLine": first.line,
        "startColumn": first.column,
        "endLine": last.line,
        "endColumn": last.column,
    }


def _fingerprint(diagnostic: Diagnostic, number: int) -> str:
    """Tell a finding from others wherever it moves to: by what it says, and which of those that say the same it is.

    No text of the source takes part: a digest of a line with a secret in it would be one to guess by.
    """
    return hashlib.sha256("\0".join((diagnostic.code, diagnostic.message, str(number))).encode()).hexdigest()


def _uri(name: str) -> str:
    path = quote(name.replace("\\", "/"))
    return f"file://{path}" if path.startswith("/") else path
