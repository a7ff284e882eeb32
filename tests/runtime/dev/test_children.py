"""The processes under `saltern dev`: how they end."""

import fcntl
import os
import signal
import subprocess
import sys
import time

from saltern_runtime.dev.children import Child, Children

CHILD = """
import fcntl, pathlib, signal, sys

name, *others = sys.argv[1:]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
told = open(name + ".told", "w")
fcntl.flock(told, fcntl.LOCK_EX)
pathlib.Path(name + ".ready").touch()
signal.sigwait({signal.SIGTERM})
told.close()
if name == "base":
    sys.exit(0 if all(pathlib.Path(other + ".ended").exists() for other in "ab") else 1)
for other in others:
    fcntl.flock(open(other + ".told", "w"), fcntl.LOCK_SH)
pathlib.Path(name + ".ended").touch()
"""
"""Holds a lock until it is told to end; then waits until others have been told, who give back theirs."""
SLOW = """
import signal, sys

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
signal.sigtimedwait({signal.SIGHUP}, 0.3)
"""
"""Ends by itself, a moment after it was told."""


def start(children, folder, name, *others, grace=60.0):
    child = children.start(name, [sys.executable, "-c", CHILD, name, *others], grace=grace)
    children.wait_for(child, "ready", (folder / f"{name}.ready").exists)
    return child


def test_all_are_told_to_end_at_once_and_the_first_when_they_are_gone(tmp_path):
    """Two that wait for each other's end both end by themselves; what they stand on is told after them."""
    with Children(tmp_path, os.environ) as children:
        started = [
            start(children, tmp_path, "base"),
            start(children, tmp_path, "a", "b"),
            start(children, tmp_path, "b", "a"),
        ]
    assert [child.process.returncode for child in started] == [0, 0, 0]


def test_one_that_does_not_end_is_ended(tmp_path):
    """When its time is over, it is killed by its guard, or with it on a machine that is too busy; the others end by themselves."""
    with (tmp_path / "nobody.told").open("w") as held, Children(tmp_path, os.environ) as children:
        fcntl.flock(held, fcntl.LOCK_EX)
        base = start(children, tmp_path, "base")
        stuck = start(children, tmp_path, "a", "nobody", grace=0.2)
        free = start(children, tmp_path, "b")
    assert (base.process.returncode, free.process.returncode) == (1, 0)
    assert stuck.process.returncode in {128 + signal.SIGKILL, -signal.SIGKILL}


def test_one_whose_turn_comes_late_has_its_time_all_the_same(tmp_path):
    """It is asked a second time after those before it took long to die, and gets as long as they did before it is killed."""
    process = subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE)
    with process, process.stdout:
        process.stdout.readline()
        Child("late", process, tmp_path / "late.log", grace=0.1).end(by=time.monotonic() - 60)
    assert process.returncode == 0
