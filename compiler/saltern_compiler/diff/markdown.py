"""A comparison as Markdown for a pull request: whatever a pipeline says is text, never markup, a mention or a link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from saltern_compiler.diagnostics.lookalikes import veil
from saltern_compiler.diagnostics.places import visible
from saltern_compiler.diff.model import Change, Comparison, Grade
from saltern_compiler.diff.sentences import RUNS, SIGNS, counted, go_on, keeps, state, what

_LONGEST: Final = 300
"""Characters of a value that are shown at most."""
_ROOM: Final = 30_000
"""Characters of all rows together; a comment on GitHub has 65,536."""
_NO_BREAK: Final = "&#8203;"
"""Behind `@` and `#` outside of code: GitHub looks for names and numbers behind them once the references are read."""
_MARKUP: Final = re.compile(r"[!#$&*.:<>@\[\\\]^_`{|}~-]")
_MARK: Final = {"yes": "🟢", "partly": "🟡", "no": "🔴", Grade.COSMETIC: "🟢", Grade.SAFE: "🟢", Grade.BREAKING: "🔴"}


def render_markdown(comparison: Comparison, name: str) -> str:
    """Write what changed and both verdicts; `name` is what the new pipeline is called."""
    return "\n".join(_lines(comparison, name)) + "\n"


def _lines(of: Comparison, name: str) -> Iterator[str]:
    yield f"### {code(name)}"
    yield ""
    if not of.changes:
        yield f"{_MARK['yes']} {counted(of).capitalize()}."
        return
    yield "| for | verdict |"
    yield "| --- | --- |"
    yield f"| callers | {_MARK[of.callers]} **{of.callers.value}** |"
    yield f"| runs in flight | {_MARK[of.runs.verdict]} **{of.runs.verdict}**: they {RUNS[of.runs.verdict].removeprefix('runs in flight ')} |"
    yield ""
    loud = [change for change in of.changes if change.grade is Grade.BREAKING]
    rest = [change for change in of.changes if change.grade is not Grade.BREAKING]
    if loud:
        yield f"**Breaking** ({len(loud)})"
        yield ""
        yield from _table(loud, _ROOM // 2)
        yield ""
    if rest:
        yield from _folded(f"{'Other changes' if loud else 'Changes'} ({len(rest)})", list(_table(rest, _ROOM // 2)))
    runs = list(_runs(of))
    if runs:
        yield from _folded("Runs in flight", runs)


def _folded(title: str, lines: list[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", "")


def _table(changes: list[Change], room: int) -> Iterator[str]:
    yield "| | what | before | after |"
    yield "| --- | --- | --- | --- |"
    for number, change in enumerate(changes):
        row = _row(change)
        room -= len(row)
        if room < 0:
            yield f"| | … and {len(changes) - number} more: <code>saltern diff</code> shows them | | |"
            return
        yield row


def _row(change: Change) -> str:
    place = f"{code(change.within)}: " if change.within else ""
    why = f"<br>{prose(change.why)}" if change.why else ""
    values = ("" if text is None else code(text) for text in (change.old, change.new))
    return f"| {SIGNS[change.kind]} | {place}{code(what(change))}{why} | {' | '.join(values)} |"


def _runs(of: Comparison) -> Iterator[str]:
    for number, hurdle in enumerate(of.runs.hurdles):
        if number == _HURDLES:
            yield f"- … and {len(of.runs.hurdles) - number} more"
            break
        yield f"- {prose(state(hurdle))}: {prose(hurdle.why)}"
    yield from (f"- {prose(said)}" for said in (go_on(of.runs), keeps(of.runs)) if said)


_HURDLES: Final = 12


def code(text: str) -> str:
    """Write a text of a pipeline as it stands, in a cell or anywhere: line ends stay line ends."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    lines = (_escaped(visible(veil(line))) for line in cut.splitlines() or [""])
    return f"<code>{'<br>'.join(lines)}</code>"


def prose(text: str) -> str:
    """Write a sentence of ours in which a pipeline's words stand, those between backticks as code."""
    parts = text.split("`")
    return "".join(code(part) if place % 2 else _plain(part) for place, part in enumerate(parts))


def _plain(text: str) -> str:
    return re.sub(r"&#(35|64);", lambda match: match[0] + _NO_BREAK, _escaped(visible(text)))


def _escaped(text: str) -> str:
    """Write what Markdown, HTML or GitHub (mentions, numbers of issues, formulas, addresses) could take for more as references."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", text)
