"""The processes under `saltern dev`: how they end."""

import os
import signal
import sys

from saltern_runtime.dev.children import Children

CHILD = """
import pathlib, signal, sys, time

def there(*names):
    return all(pathlib.Path(name).exists() for name in names)

name, *others = sys.argv[1:]
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path(name + ".told").touch())
pathlib.Path(name + ".ready").touch()
while not there(name + ".told"):
    time.sleep(0.01)
if name == "base":
    sys.exit(0 if there("a.ended", "b.ended") else 1)
while not there(*(other + ".told" for other in others)):
    time.sleep(0.01)
pathlib.Path(name + ".ended").touch()
"""


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
    with Children(tmp_path, os.environ) as children:
        base = start(children, tmp_path, "base")
        stuck = start(children, tmp_path, "a", "nobody", grace=0.2)
        free = start(children, tmp_path, "b")
    assert (base.process.returncode, free.process.returncode) == (1, 0)
    assert stuck.process.returncode in {128 + signal.SIGKILL, -signal.SIGKILL}
