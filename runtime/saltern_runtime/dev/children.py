"""Child processes of `saltern dev`: each under a guard, each with a log file; none outlives this process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from saltern_runtime.dev import guard

HURRY: Final = 5.0
"""Seconds that a child gets which was asked a second time to end."""
LAST_LINES: Final = 15
"""Lines of a dead child's log that are shown."""


class ChildError(Exception):
    """A child ended or did not become ready; the message holds its last log lines."""


@dataclass(slots=True)
class Child:
    """One process under its guard."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    grace: float
    """Seconds that it gets to end when all of it is stopped."""
    may_end: bool = False
    """Whether its end is no reason to stop the others."""

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def obituary(self) -> str:
        """Say how it ended, with the end of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
        said = "\n".join(f"  {line}" for line in lines) or "  (it wrote nothing)"
        return f"{self.name} ended with exit code {self.process.returncode}; the end of its log:\n{said}"

    def retire(self) -> None:
        """Ask it to end in its own time."""
        self.may_end = True
        self.process.terminate()

    def end(self, by: float) -> None:
        """Wait until it, which was asked to end, and all that it started are gone: at a moment of the clock it is made to."""
        for seconds in (max(0.0, by - time.monotonic()), HURRY):
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                # The guard takes the second request for one to end at once.
                self.process.terminate()
                continue
            return
        self.process.kill()
        self.process.wait()


def _end(children: Sequence[Child]) -> None:
    """Ask children to end, all of them at once, and wait for each no longer than its grace."""
    begun = time.monotonic()
    for child in children:
        child.process.terminate()
    for child in sorted(children, key=lambda child: child.grace):
        child.end(begun + child.grace)


class Children:
    """Starts children, and stops them together; after them the first one, on which they stand."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self.environment = dict(environment)
        self._lifeline, self._held = os.pipe()
        self.all: list[Child] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        grace: float = 5.0,
        patience: float | None = None,
        environment: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
    ) -> Child:
        """Start a command; its output goes to `<name>.log`.

        `patience`: seconds to end when it is retired, `grace` by default. `environment` comes on top of that of all children,
        `keep` are descriptors that it inherits.
        """
        log = self._folder / f"{name}.log"
        limits = [str(self._lifeline), str(grace if patience is None else patience), ",".join(map(str, keep))]
        guarded = [sys.executable, "-I", "-S", guard.__file__, *limits, *command]
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - the command is ours
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self.environment, **(environment or {})},
                cwd=self._folder,
                pass_fds=(self._lifeline, *keep),
                start_new_session=True,
            )
        child = Child(name, process, log, grace)
        self.all.append(child)
        return child

    def check(self) -> None:
        """Raise ChildError if any child has ended that should not have; forget those that were to end."""
        for child in tuple(self.all):
            if child.alive():
                continue
            if not child.may_end:
                raise ChildError(child.obituary())
            self.all.remove(child)

    def wait_for(self, child: Child, ready: str, probe: Callable[[], bool], timeout: float = 60.0) -> None:
        """Wait until `probe()` is true; raises ChildError when a child ends first or time is over."""
        end = time.monotonic() + timeout
        while not probe():
            self.check()
            if time.monotonic() > end:
                raise ChildError(f"{child.name} was not {ready} after {timeout:.0f} s; its log is {child.log}")
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing the lifeline is what ends the children if stopping is itself interrupted.
        try:
            _end(self.all[1:])
            _end(self.all[:1])
        finally:
            os.close(self._held)
            os.close(self._lifeline)
