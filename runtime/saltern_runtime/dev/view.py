"""Runs on a terminal: redrawn in place where there is one, a line for each change elsewhere, JSON lines for programs."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TextIO

from saltern_runtime.dev.terminal import json_text
from saltern_runtime.store.views import TERMINAL

Run = Mapping[str, Any]
"""A run as the API shows it."""

MOST_RUNS: Final = 4
"""Open runs that are drawn at once, at most."""
_COLORS: Final = {
    "SUCCEEDED": "32", "RUNNING": "36", "READY": "36", "QUEUED": "36", "WAITING": "36", "SUSPENDED": "36", "RETRY_WAIT": "33", "CANCELLING": "33", "FAILED": "31",
    "DEAD": "31", "TIMED_OUT": "31", "CANCELLED": "33", "SKIPPED": "2", "BLOCKED": "2",
}  # fmt: skip

_OPEN: Final = frozenset({"BLOCKED", "READY", "RUNNING", "RETRY_WAIT", "SUSPENDED"})
"""States of a node that is not over; one that is not run goes through those of what stands for it, which are no news."""


class View(Protocol):
    """Shows runs as they change."""

    def update(self, runs: list[Run]) -> None:
        """Take the runs that are open, and those that have just ended, oldest first."""

    def tell(self, event: Mapping[str, Any], text: str) -> None:
        """Say what happened to the service itself: `event` to programs, `text` (it may be coloured) to people."""


class JsonView:
    """One JSON object a line: `run` and `node` events."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._seen: dict[tuple[str, str], str] = {}

    def update(self, runs: list[Run]) -> None:
        """Write what changed."""
        for change in _changes(runs, self._seen):
            self._out.write(json_text(change, self._out) + "\n")
        self._out.flush()

    def tell(self, event: Mapping[str, Any], text: str) -> None:  # noqa: ARG002 - the protocol's
        """Write the event."""
        self._out.write(json_text(event, self._out) + "\n")
        self._out.flush()


class LineView:
    """One line of text for each change."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._seen: dict[tuple[str, str], str] = {}

    def update(self, runs: list[Run]) -> None:
        """Write what changed."""
        for change in _changes(runs, self._seen):
            what = f"{change['node']} {change['state']}" if "node" in change else str(change["state"])
            took = _seconds(change["seconds"])
            known = "from the cache" if change.get("cached") else elided(change)
            self._out.write(
                " ".join(filter(None, [f"run {change['run']}:", plain(what), took, known, plain(change["why"])])) + "\n"
            )
        self._out.flush()

    def tell(self, event: Mapping[str, Any], text: str) -> None:  # noqa: ARG002 - the protocol's
        """Write the text."""
        self._out.write(text.rstrip("\n") + "\n")
        self._out.flush()


class ScreenView:
    """Open runs are redrawn in place; each run that ends stays above them."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0
        self._done: set[str] = set()

    def update(self, runs: list[Run]) -> None:
        """Draw again."""
        size = shutil.get_terminal_size()
        text = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._drawn = 0
        for run in [run for run in runs if run["state"] in TERMINAL and run["id"] not in self._done]:
            self._done.add(run["id"])
            text += "\n".join([*lines(run, size.columns, color=True), "", ""])
        still_open = [run for run in runs if run["state"] not in TERMINAL]
        below = [line for run in still_open[:MOST_RUNS] for line in lines(run, size.columns, color=True)]
        if len(still_open) > MOST_RUNS:
            below.append(f"and {len(still_open) - MOST_RUNS} more")
        below = below[: max(1, size.lines - 2)]
        self._drawn = len(below)
        self._out.write(text + "".join(f"{line}\n" for line in below))
        self._out.flush()

    def tell(self, event: Mapping[str, Any], text: str) -> None:  # noqa: ARG002 - the protocol's
        """Write the text above the open runs, which the next update draws again."""
        clear = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._drawn = 0
        self._out.write(clear + text.rstrip("\n") + "\n\n")
        self._out.flush()


def lines(run: Run, width: int | None = None, *, color: bool = False) -> list[str]:
    """Draw a run: its state and time, and one line for each node, cut to a terminal's `width` where there is one."""
    head = ["run", run["id"], run["state"], _took(run["created_at"], run["ended_at"]), _begun(run)]
    nodes = run["nodes"]
    widths = [max((len(plain(node[key])) for node in nodes), default=0) for key in ("id", "type")]
    drawn = [_paint(_cut("  ".join(filter(None, map(plain, head))), width), "1", color=color)]
    for node in nodes:
        attempt = f"attempt {node['attempt']}" if node["attempt"] > 1 else ""
        parts = [
            plain(node["id"]).ljust(widths[0]),
            plain(node["type"]).ljust(widths[1]),
            node["state"].ljust(10),
            (_seconds(node["duration"]) or "").rjust(9),
            "  ".join(filter(None, (attempt or items(node), cached(node), elided(node)))),
            _why(node["failure"]),
        ]
        text = _cut("  " + "  ".join(map(plain, parts)).rstrip(), width)
        drawn.append(_paint(text, _COLORS.get(node["state"], "0"), color=color))
    if run["failure"] is not None:
        drawn.append(_paint(_cut(f"  {plain(_why(run['failure']))}", width), "31", color=color))
    return drawn


def _begun(run: Run) -> str:
    """Say what began a run; of one that another began, what it runs."""
    return f"{run['trigger']} {run['pipeline']}" if run.get("parent") else str(run["trigger"])


def items(node: Mapping[str, Any]) -> str:
    """Say how many items a foreach, or a node of its body, has done."""
    items = node.get("items")
    if not items:
        return ""
    failed = f", {items['failed']} failed" if items["failed"] else ""
    return f"{items['done'] + items['failed'] + items['skipped']}/{items['total']} items{failed}"


def cached(node: Mapping[str, Any]) -> str:
    """Say that a node's value came from the cache; of a node of a body, how often."""
    times = node.get("cached")
    if not times:
        return ""
    return f"{times} from the cache" if node.get("items") else "from the cache"


def elided(node: Mapping[str, Any]) -> str:
    """Say why a node was not run, where it was not."""
    return f"not run: {node['elided']}" if node.get("elided") else ""


def plain(text: object) -> str:
    """Take out what would move a terminal's cursor or hide text: control and format characters."""
    return "".join(char if unicodedata.category(char)[0] != "C" else " " for char in str(text))


def _changes(runs: list[Run], seen: dict[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    for run in runs:
        for node in run["nodes"]:
            key = (run["id"], node["id"])
            mark = f"{node['state']} {node['attempt']}"
            is_open = node["state"] in _OPEN if node.get("elided") else node["state"] == "BLOCKED"
            if is_open or seen.get(key) == mark:
                continue
            seen[key] = mark
            yield {
                "event": "node",
                "run": run["id"],
                "node": node["id"],
                "type": node["type"],
                "state": node["state"],
                "attempt": node["attempt"],
                "seconds": node["duration"],
                "cached": node.get("cached", 0),
                "elided": node.get("elided", ""),
                "why": _why(node["failure"]),
            }
        if seen.get((run["id"], "")) != run["state"]:
            seen[run["id"], ""] = run["state"]
            ended = run["ended_at"] and (_time(run["ended_at"]) - _time(run["created_at"])).total_seconds()
            yield {
                "event": "run",
                "run": run["id"],
                "state": run["state"],
                "trigger": run["trigger"],
                "seconds": ended,
                "why": _why(run["failure"]),
                "output": run["output"],
            }


def _why(failure: Mapping[str, Any] | None) -> str:
    if failure is None:
        return ""
    where = f"{failure['node']}: " if failure.get("node") else ""
    said = " ".join(plain(failure["message"]).split())
    return f"{where}{said} ({failure['kind']}, {failure['code']})"


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _took(begin: str, end: str | None) -> str:
    last = _time(end) if end is not None else datetime.now(UTC)
    return _seconds(max(0.0, (last - _time(begin)).total_seconds()))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) < width else text[: max(1, width - 2)] + "…"


def _paint(text: str, code: str, *, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text
