"""A text with what was found in it: what reports of several texts are made of."""

from __future__ import annotations

from collections.abc import Sequence

from saltern_compiler.diagnostics.model import Diagnostic, Suppressed
from saltern_compiler.diagnostics.places import Places, Source
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Checked:
    """A text that was checked, under the name that it is shown by."""

    name: str
    text: str
    diagnostics: Sequence[Diagnostic]
    suppressed: Sequence[Suppressed] = ()
    locator: Places | None = None

    @property
    def source(self) -> Source:
        """What finds lines and columns in it."""
        return Source(self.text, self.locator)


def told(diagnostic: Diagnostic) -> str:
    """Write a finding as plain text: its message, and each note on a line of its own."""
    return "\n".join((diagnostic.message, *diagnostic.notes))
