"""How changes and verdicts are said, whatever shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_compiler.diff.model import Change, Comparison, Grade, Hurdle, Runs

CALLERS: Final[Mapping[Grade, str]] = {
    Grade.COSMETIC: "nothing changes for callers",
    Grade.SAFE: "safe for callers",
    Grade.BREAKING: "breaking for callers",
}
RUNS: Final = {
    "yes": "runs in flight may go on",
    "partly": "runs in flight may go on from some points",
    "no": "runs in flight may not go on",
}
SIGNS: Final = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}


def what(change: Change) -> str:
    """Name what changed, without its values: `input.lines[].quantity`, `node classify: prompt`."""
    if change.subject in {"input", "output"}:
        name = f"{change.subject}{'' if change.name.startswith(('[', '.')) or not change.name else '.'}{change.name}"
    elif change.subject == "policy":
        name = change.name
    else:
        name = f"{change.subject} {change.name}"
    return name + (f": {change.part}" if change.part else "")


def counted(comparison: Comparison) -> str:
    """Say how much changed, and both verdicts, in one line."""
    number = len(comparison.changes)
    if not number:
        return "the same meaning"
    count = "1 change" if number == 1 else f"{number} changes"
    return f"{count}; {CALLERS[comparison.callers]}; {RUNS[comparison.runs.verdict]}"


def state(hurdle: Hurdle) -> str:
    """Say when a run may not go on."""
    if hurdle.during is not None:
        return f"not while `{hurdle.during}` is open"
    after = f"not once `{hurdle.after}` has ended" if hurdle.after is not None else ""
    until = f"until `{hurdle.until}` has" if after else f"not until `{hurdle.until}` has ended"
    if hurdle.until is None:
        return after or "from nowhere"
    return f"{after}, {until}" if after else until


def go_on(runs: Runs) -> str:
    """Say where a run may go on that waits for nothing but its next node; empty where it may from anywhere, or nowhere."""
    if runs.verdict != "partly":
        return ""
    listed = ", ".join(f"`{name}`" for name in runs.starts[:_LISTED])
    more = f" and {len(runs.starts) - _LISTED} more" if len(runs.starts) > _LISTED else ""
    return f"a run that has just come to one of these may: {listed}{more}" if listed else ""


_LISTED: Final = 12


def keeps(runs: Runs) -> str:
    """Say which values a run takes along that the new pipeline would not have made; empty without any."""
    if not runs.kept or runs.verdict == "no":
        return ""
    listed = ", ".join(f"`{name}`" for name in runs.kept[:_LISTED])
    more = f" and {len(runs.kept) - _LISTED} more" if len(runs.kept) > _LISTED else ""
    return f"what has ended keeps its value, also where it would be another one now: {listed}{more}"
