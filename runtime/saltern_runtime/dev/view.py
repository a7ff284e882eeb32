"""Runs on a terminal: redrawn in place where there is one, a line for each change elsewhere, JSON lines for programs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, TextIO

from saltern_runtime.dev.terminal import json_text
from saltern_runtime.runtext import Run, elided, lines, plain, seconds, time, why
from saltern_runtime.store.views import TERMINAL

MOST_RUNS: Final = 4
"""Open runs that are drawn at once, at most."""

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
            took = seconds(change["seconds"])
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
        self._done: set[tuple[str, str]] = set()

    def update(self, runs: list[Run]) -> None:
        """Draw again."""
        size = shutil.get_terminal_size()
        text = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._drawn = 0
        over = [run for run in runs if run["state"] in TERMINAL]
        for run in [run for run in over if (run["id"], run["ended_at"]) not in self._done]:
            self._done.add((run["id"], run["ended_at"]))
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
                "why": why(node["failure"]),
            }
        mark = f"{run['state']} {run['ended_at']}"
        if seen.get((run["id"], "")) != mark:
            seen[run["id"], ""] = mark
            ended = run["ended_at"] and (time(run["ended_at"]) - time(run["created_at"])).total_seconds()
            yield {
                "event": "run",
                "run": run["id"],
                "state": run["state"],
                "trigger": run["trigger"],
                "seconds": ended,
                "why": why(run["failure"]),
                "output": run["output"],
            }
