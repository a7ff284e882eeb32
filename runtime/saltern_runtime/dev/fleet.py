"""The processes of a service, version by version: a new one starts beside the old one, which finishes what it began.

A version is a tree with a worker, timers and an API of its own. Queues carry the plan's digest, so each worker hears of its own
runs alone; every API listens on the same socket, which stays open all the time. A version that is gone gets its worker back when one of its
runs is replayed.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from saltern_runtime.dev.children import Child, Children
from saltern_runtime.dev.tree import Tree

GRACE: Final = 10.0
"""Seconds that a worker gets to finish; what it leaves at the end is lost with the store, so there is nothing to hand back."""
PATIENCE: Final = 120.0
"""Seconds that a replaced API gets for requests that are under way."""
STARTING: Final = 60.0
"""Seconds that a version gets until it is ready."""
LOOK: Final = 1.0
"""Seconds between two looks at the runs of versions that were replaced."""

Tell = Callable[[Mapping[str, Any], str], None]


@dataclass(frozen=True, slots=True)
class Version:
    """One tree and its processes."""

    tree: Tree
    worker: Child
    timers: Child
    api: Child
    marks: Path
    begun: float

    @property
    def children(self) -> tuple[Child, ...]:
        """All of its processes."""
        return self.worker, self.timers, self.api

    @property
    def short(self) -> str:
        """How the version is called."""
        return self.tree.plan.removeprefix("sha256:")[:8]

    def is_ready(self) -> bool:
        """Whether its worker takes work and its API connections."""
        return self._is("alive") and self._is("ready")

    def is_closed(self) -> bool:
        """Whether its API takes no more connections."""
        return self._is("closed") or not self.api.alive()

    def retire(self) -> None:
        """Let all of it end."""
        for child in self.children:
            child.retire()

    def _is(self, mark: str) -> bool:
        return self.marks.with_suffix(f".{mark}").exists()


class Fleet:
    """The version that takes new runs, the one that is to take over, and those that finish theirs."""

    def __init__(
        self,
        children: Children,
        folder: Path,
        listener: socket.socket,
        open_plans: Callable[[str], Mapping[str, int] | None],
        tell: Tell,
    ) -> None:
        self._children = children
        self._folder = folder
        self._listener = listener
        self._open_plans = open_plans
        self._tell = tell
        self._paths = [path for path in (children.environment.get("PYTHONPATH"),) if path]
        self._number = 0
        self._looked = 0.0
        self.current: Version | None = None
        self._coming: Version | None = None
        self._closing: Version | None = None
        self._leaving: list[Version] = []
        self._gone: dict[str, Version] = {}
        """Those that had no run left, by plan."""

    def start(self, tree: Tree) -> Version:
        """Start the first version; the caller waits until it is ready."""
        self.current = self._start(tree)
        return self.current

    def replace(self, tree: Tree) -> None:
        """Begin to start a version that shall take over; one that has not come so far is given up."""
        if self._coming is not None:
            self._coming.retire()
        self._coming = self._start(tree)
        for child in self._coming.children:
            child.may_end = True

    def tick(self) -> None:
        """Go on with what is under way; never waits."""
        if self._coming is not None:
            self._bring(self._coming)
        if self._closing is not None and self._closing.is_closed():
            self._announce(self._closing)
            self._closing = None
        if (self._leaving or self._gone) and time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            self._bring_back()
            self._let_go()

    def _bring(self, coming: Version) -> None:
        dead = next((child for child in coming.children if not child.alive()), None)
        late = time.monotonic() - coming.begun > STARTING
        if dead is not None or late:
            why = dead.obituary() if dead is not None else f"it was not ready after {STARTING:.0f} s"
            coming.retire()
            self._coming = None
            event = {"event": "reload-failed", "plan": coming.tree.plan, "why": why}
            self._tell(event, f"the new version did not start, the old one goes on: {why}")
        elif coming.is_ready() and self._closing is None:
            for child in coming.children:
                child.may_end = False
            old, self.current, self._coming = self.current, coming, None
            assert old is not None, "a version takes over from another"
            old.api.retire()
            if old.tree.service == coming.tree.service:
                old.timers.retire()
            self._closing = old
            self._leaving.append(old)

    def _announce(self, old: Version) -> None:
        assert self.current is not None, "a version has taken over"
        event = {"event": "reloaded", "plan": self.current.tree.plan, "before": old.tree.plan}
        self._tell(event, f"reloaded: new runs are on plan {self.current.short}, those under way finish on {old.short}")

    def _let_go(self) -> None:
        """End the workers of versions that no open run needs."""
        assert self.current is not None, "a version has taken over"
        for version in tuple(self._leaving):
            # A request that is under way may still start a run.
            if version.api.alive():
                continue
            if version.tree.plan != self.current.tree.plan and self._has_runs(version.tree):
                continue
            version.retire()
            self._leaving.remove(version)
            self._gone[version.tree.plan] = version
            self._tell({"event": "drained", "plan": version.tree.plan}, f"plan {version.short} has no run left: gone")

    def _bring_back(self) -> None:
        """Start a worker of each version that is gone and has an open run again: its tree still stands there."""
        assert self.current is not None, "a version has taken over"
        here = {version.tree.plan for version in (self.current, self._coming, *self._leaving) if version is not None}
        plans = self._open_plans(self.current.tree.service) or {}
        for plan in [plan for plan in self._gone if plans.get(plan) and plan not in here]:
            version = self._gone.pop(plan)
            self._number += 1
            worker = self._worker(version.tree, self._number, self._environment(version.tree, version.marks))
            self._leaving.append(replace(version, worker=worker))
            self._tell(
                {"event": "brought-back", "plan": plan}, f"a run of plan {version.short} goes on: its worker is back"
            )

    def _has_runs(self, tree: Tree) -> bool:
        plans = self._open_plans(tree.service)
        return plans is None or plans.get(tree.plan, 0) > 0

    def _start(self, tree: Tree) -> Version:
        self._number += 1
        suffix = _suffix(self._number)
        marks = self._folder / f"version{self._number}.mark"
        environment = self._environment(tree, marks)
        python = [sys.executable, "-m"]
        descriptor = self._listener.fileno()
        serve = ["saltern_runtime.dev.server", tree.package, str(descriptor), str(marks)]
        start = self._children.start
        return Version(
            tree,
            self._worker(tree, self._number, environment),
            start(f"timers{suffix}", [*python, "saltern_runtime.timers", tree.package], environment=environment),
            start(
                f"api{suffix}",
                [*python, *serve],
                grace=2.0,
                patience=PATIENCE,
                environment=environment,
                keep=(descriptor,),
            ),
            marks,
            time.monotonic(),
        )

    def _environment(self, tree: Tree, marks: Path) -> dict[str, str]:
        return {
            "PYTHONPATH": os.pathsep.join([str(tree.folder), *self._paths]),
            "SALTERN_HEARTBEAT_FILE": str(marks.with_suffix(".alive")),
        }

    def _worker(self, tree: Tree, number: int, environment: Mapping[str, str]) -> Child:
        command = ["celery", "-A", f"{tree.package}.tasks", "worker", "--pool", "prefork", "--concurrency", "2"]
        command += ["--without-gossip", "--without-mingle", "--loglevel", "INFO", "-n", f"dev{number}@%h"]
        return self._children.start(
            f"worker{_suffix(number)}", [sys.executable, "-m", *command], grace=GRACE, environment=environment
        )


def _suffix(number: int) -> str:
    """Tell the logs of one version from those of another."""
    return f"-{number}" if number > 1 else ""
