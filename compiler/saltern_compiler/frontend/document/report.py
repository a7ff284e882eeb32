"""Where a reader of documents puts what it finds, and the checks that all its parts share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import field

from saltern_compiler.diagnostics.model import Diagnostic, Fix, Origin, Related
from saltern_compiler.diagnostics.suggest import Suggestions, did_you_mean, it_takes, replace_by
from saltern_compiler.frontend.document.jsontext import shorten
from saltern_compiler.frontend.document.shape import VERSION_KEY, Table, describe, is_kind, misfit
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json


@dataclass(slots=True)
class Report:
    """Collects findings."""

    findings: list[Diagnostic] = field(default_factory=list)
    suggestions: Suggestions = field(default_factory=Suggestions)

    def add(
        self,
        code: str,
        message: str,
        origin: Origin,
        *notes: str,
        related: tuple[Related, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """Keep a finding."""
        self.findings.append(Diagnostic(code, message, origin, notes=notes, related=related, fixes=fixes))

    def misspelt(self, code: str, message: str, origin: Origin, name: str, among: Iterable[str], *notes: str) -> None:
        """Keep a finding about a name, with the nearest ones and a fix that takes the first of them."""
        near = self.suggestions.nearest(name, sorted(set(among))) if len(name) <= 200 else ()
        self.add(code, message, origin, *did_you_mean(near), *notes, fixes=replace_by(near, origin))

    def members(
        self, value: Json, table: Table, origin: Origin, what: str, code: str = "ill-typed-key"
    ) -> dict[str, Json]:
        """Return the members of an object that fit their table; report those that do not, unknown and missing ones."""
        if not self.is_kind(value, "object", origin, what, code):
            return {}
        kept: dict[str, Json] = {}
        for key, member in value.items():
            if key not in table:
                known = [name for name, member in table.items() if not member.ignored and name not in value]
                note = "Keys of one's own can stand under `ui`." if "ui" in table else it_takes(known)
                self.misspelt(
                    "unknown-key", f"{what} has no key `{shorten(key)}`", origin.child(key).name(), key, known, note
                )
                continue
            complaint = None if table[key].ignored else misfit(member, table[key].schema)
            if complaint is None:
                kept[key] = member
            else:
                self.add(code, f"`{key}` of {what} {complaint}, not {quote(member)}", origin.child(key))
        for key, member in table.items():
            if member.required and key not in value:
                notes = ("`saltern upgrade FILE` writes it.",) if key == VERSION_KEY else ()
                self.add("missing-key", f"{what} has no `{key}`", origin, *notes)
        return kept

    def is_kind(self, value: Json, kind: str, origin: Origin, what: str, code: str = "ill-typed-key") -> bool:
        """Report a value of another kind."""
        if is_kind(value, kind):
            return True
        self.add(code, f"{what} {misfit(value, {'type': kind})}, not {quote(value)}", origin)
        return False


def quote(value: Json) -> str:
    """Show a small value as it is, a large one by its kind."""
    if isinstance(value, dict | list):
        return describe(value)
    return f"`{shorten(json.dumps(value, ensure_ascii=False))}`"
