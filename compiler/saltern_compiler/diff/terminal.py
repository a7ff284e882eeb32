"""A comparison for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_compiler.diagnostics.lookalikes import veil
from saltern_compiler.diagnostics.places import visible, width
from saltern_compiler.diff.model import Change, Comparison, Grade
from saltern_compiler.diff.sentences import RUNS, SIGNS, counted, go_on, keeps, state, what
from saltern_runtime.dataclass import dataclass

_COLUMNS: Final = 96
"""Columns of a value that are shown at most."""
_STYLES: Final = {
    "+": "32",
    "-": "31",
    "~": "33",
    ">": "36",
    "bold": "1",
    "breaking": "1;31",
    "safe": "32",
    "cosmetic": "32",
}
_OF_RUNS: Final = {"yes": "safe", "partly": "~", "no": "breaking"}


def render_terminal(comparison: Comparison, name: str, *, color: bool = False) -> str:
    """Show what changed and both verdicts; `name` is what the new pipeline is called."""
    return "\n".join(_Page(color).lines(comparison, name)) + "\n"


@dataclass(frozen=True, slots=True)
class _Page:
    color: bool

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color else text

    def lines(self, of: Comparison, name: str) -> Iterator[str]:
        yield f"{visible(name)}: {self.paint(counted(of), 'bold')}"
        if not of.changes:
            return
        yield ""
        within = ""
        for change in of.changes:
            if change.within != within:
                within = change.within
                yield f"  in {visible(within)}, which it uses:"
            yield from self.change(change)
        yield ""
        yield f"callers: {self.paint(of.callers.value, of.callers.value)}"
        runs = of.runs
        yield f"runs in flight: {self.paint(runs.verdict, _OF_RUNS[runs.verdict])}: they {RUNS[runs.verdict].removeprefix('runs in flight ')}"
        yield from (f"  {visible(state(hurdle))}: {visible(hurdle.why)}" for hurdle in runs.hurdles)
        yield from (f"  {visible(said)}" for said in (go_on(runs), keeps(runs)) if said)

    def change(self, change: Change) -> Iterator[str]:
        sign = SIGNS[change.kind]
        yield f"  {self.paint(sign, sign)} {self.paint(visible(what(change)), 'bold')}{self.values(change)}"
        if change.grade is Grade.BREAKING:
            yield f"      {self.paint('breaking', 'breaking')}: {visible(change.why)}"

    def values(self, change: Change) -> str:
        old, new = (None if text is None else shown(text) for text in (change.old, change.new))
        if old is None or new is None:
            return f"  {old or new}" if old or new else ""
        if width(old) + width(new) <= _COLUMNS:
            return f"  {old} → {new}"
        return f"\n      {self.paint('-', '-')} {old}\n      {self.paint('+', '+')} {new}"


def shown(text: str) -> str:
    """Put a value on one line, cut where it is long; what looks like a secret is covered."""
    line = visible(veil(" ".join(part.strip() for part in text.splitlines() if part.strip())))
    return line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…"
