"""Runs one command and ends it, with all that it started, as soon as whoever holds the lifeline is gone.

A script of its own on the standard library alone: `python -I -S guard.py FD GRACE KEEP COMMAND…`. FD is the reading end of a
pipe whose writing end `saltern dev` keeps open: a death by SIGKILL closes it too. SIGTERM is handed on to the command; GRACE
seconds later, or at the next SIGTERM, its whole session gets SIGKILL. KEEP are descriptors that the command inherits (`5,6`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

HURRY = 10.0
"""Seconds that a command gets at most once the lifeline is gone."""


def main(arguments: list[str]) -> int:
    """Run the command; the result is its exit code."""
    lifeline, grace, command = int(arguments[0]), float(arguments[1]), arguments[3:]
    keep = [int(number) for number in arguments[2].split(",") if number]
    awake, wake = os.pipe()
    for pipe in (awake, wake):
        os.set_blocking(pipe, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(command, start_new_session=True, pass_fds=keep)  # noqa: S603 - the command is ours
    watched = [lifeline, awake]
    deadline: float | None = None
    while child.poll() is None:
        rest = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(watched, [], [], rest)
        told = awake in ready and signal.SIGTERM in os.read(awake, 512)
        alone = lifeline in ready
        if alone:
            watched.remove(lifeline)
        if (told or alone) and deadline is None:
            child.terminate()
            deadline = time.monotonic() + grace
        elif told:
            deadline = time.monotonic()
        if alone and deadline is not None:
            deadline = min(deadline, time.monotonic() + HURRY)
        if deadline is not None and time.monotonic() >= deadline:
            _kill_session(child.pid)
    _kill_session(child.pid)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _kill_session(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
