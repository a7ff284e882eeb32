"""Payloads as objects: paths that say until when, sweeps of whole days, references that lead nowhere else."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from saltern_runtime.files import CHUNK
from saltern_runtime.store import objects as module
from saltern_runtime.store.objects import ObjectPayloads
from saltern_runtime.store.payloads import PayloadGoneError

OWNER = "0-0123456789abcdef01234567"
DAY = 86_400.0
NOON = datetime(2031, 5, 17, 12, tzinfo=UTC).timestamp()
MANY = [b"a" * CHUNK] * 9


def read(objects, reference):
    return b"".join(objects.store.read(reference))


def set_to(objects, at):
    objects.now[0] = at


def test_a_path_says_when_it_is_over(objects, service):
    """Below the service stands the day after the last one on which it is kept, then its owner and name."""
    set_to(objects, NOON)
    assert objects.store.write(OWNER, "name", [b"x"], 60.0) == f"2031-05-18/{OWNER}/name"
    assert objects.store.write(OWNER, "more", iter(MANY), 13 * 3600.0) == f"2031-05-19/{OWNER}/more*2"
    assert [name.partition(f"{service}/")[2] for name in objects.held()] == [
        f"2031-05-18/{OWNER}/name",
        f"2031-05-19/{OWNER}/more",
        f"2031-05-19/{OWNER}/more.1",
    ]


def test_what_is_held_moves_to_a_later_day(objects):
    """Within its day a payload stays where it is; beyond it is copied, and outlives the day that it came from."""
    set_to(objects, NOON)
    first = objects.store.write(OWNER, "name", iter(MANY), 60.0)
    assert objects.store.hold(first, 3600.0) == first
    later = objects.store.hold(first, 3 * DAY)
    assert later == f"2031-05-21/{OWNER}/name*2"
    assert objects.store.hold(later, 60.0) == later
    set_to(objects, NOON + 2 * DAY)
    assert objects.store.sweep() is False
    assert read(objects, later) == b"".join(MANY)
    with pytest.raises(PayloadGoneError):
        read(objects, first)
    with pytest.raises(PayloadGoneError):
        objects.store.hold(first, 9 * DAY)


def test_a_sweep_removes_the_days_that_are_over(objects):
    """A day goes once it has begun and an hour has passed, for clocks that differ; what is kept for longer stays, and no folder remains."""
    set_to(objects, NOON)
    over, kept = (objects.store.write(OWNER, str(keep), [b"x"], keep) for keep in (60.0, DAY))
    set_to(objects, NOON + DAY / 2 + 1800.0)
    objects.store.sweep()
    assert read(objects, over) == b"x"
    set_to(objects, NOON + DAY / 2 + 3601.0)
    objects.store.sweep()
    with pytest.raises(PayloadGoneError):
        read(objects, over)
    assert read(objects, kept) == b"x"
    set_to(objects, NOON + 9 * DAY)
    objects.store.sweep()
    assert objects.held() == []
    if objects.place.kind == "file":
        assert [list(found) for _, *found in os.walk(objects.place.folder)][1:] == [[[], []]]


def test_a_sweep_is_bounded_and_goes_on(objects, monkeypatch):
    """One call removes a part and says that there is more; the next ones go on where it ended."""
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(module, "MOST", 8)
    set_to(objects, NOON)
    for number in range(20):
        objects.store.write(OWNER, f"n{number}", [b"x"], 60.0)
    set_to(objects, NOON + 2 * DAY)
    assert objects.store.sweep() is True
    assert 0 < len(objects.held()) <= 12
    turns = 1
    while objects.store.sweep():
        turns += 1
    assert objects.held() == []
    assert turns <= 4


def test_two_sweepers_at_once_are_harmless(objects, service):
    """Whoever comes second finds less; neither fails."""
    set_to(objects, NOON)
    for number in range(60):
        objects.store.write(f"owner{number % 7}", f"n{number}", [b"x"], 60.0)
    later = [ObjectPayloads(objects.place, service, clock=lambda: NOON + 2 * DAY) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ObjectPayloads.sweep, later)) == [False] * 4
    assert objects.held() == []


def test_only_the_own_service_and_its_days_are_swept(objects, service):
    """Others may lie in the same folder or bucket, and what is no day stays."""
    set_to(objects, NOON)
    other = ObjectPayloads(objects.place, f"{service}x", clock=lambda: NOON)
    reference = other.write(OWNER, "name", [b"x"], 60.0)
    objects.store._put("notes/kept/by-hand", b"x")
    set_to(objects, NOON + 9 * DAY)
    objects.store.sweep()
    assert b"".join(other.read(reference)) == b"x"
    assert b"".join(objects.store.read(objects.store.write(OWNER, "name", [b"y"], 60.0))) == b"y"
    assert len(objects.held()) == 3


@pytest.mark.parametrize(
    "reference",
    [
        "2031-05-18/../../secret", "../secret", "/etc/passwd", "2031-05-18/a/../../../x", "2031-05-18/a/..", "", "*2",
        "2031-05-18/a", "2031-05-18/a/b/c", "2031-05-18/a/b*", "2031-05-18/a/b*-1", "2031-05-18/%2e%2e/b", "x\n2031-05-18/a/b",
    ],
)  # fmt: skip
def test_a_reference_leads_nowhere_else(objects, tmp_path, reference):
    """What is no reference of ours is gone, whatever lies at that path."""
    (tmp_path.parent / "secret").write_bytes(b"secret")
    with pytest.raises(PayloadGoneError):
        list(objects.store.read(reference))
    with pytest.raises(PayloadGoneError):
        objects.store.hold(reference, 1.0)
    objects.store.drop(reference)
    assert (tmp_path.parent / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("name", ["../../escape", "/etc/x", "..", "", "a/b", "a\0b", "ünï", "x" * 300, "a#1", "%2e%2e"])
def test_a_name_leads_nowhere_else(objects, tmp_path, name):
    """Owners, names and services of any letters are kept below the store's own folder, each for itself."""
    first = objects.store.write(name, name, [b"first"], 60.0)
    second = ObjectPayloads(objects.place, name).write(OWNER, name + "2", [b"second"], 60.0)
    assert read(objects, first) == b"first"
    assert b"".join(ObjectPayloads(objects.place, name).read(second)) == b"second"
    assert len(objects.held()) == 2
    if objects.place.kind == "s3":
        assert all(key.startswith("some/where/") and key.count("/") == 5 for key in objects.held())


WRITER = """
import sys
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.objects import ObjectPayloads

def sent():
    for number in range(10**6):
        if number == 20:
            print("on its way", flush=True)
            sys.stdin.read()
        yield b"x" * (1 << 20)

ObjectPayloads(PayloadPlace(sys.argv[1]), sys.argv[2]).write("owner", "name", sent(), 60.0)
"""


def test_a_killed_writer_leaves_nothing_that_stays(objects, service):
    """Nobody has a reference to what was on its way, and the sweep of its day removes all of it, half-written files too."""
    command = [sys.executable, "-c", WRITER, objects.place, service]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"on its way\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert len(objects.held()) == 2
    if objects.place.kind == "file":
        left = next(path for path in Path(objects.place.folder).rglob("*") if path.is_file())
        left.rename(f"{left}#1")  # as one is called while it is written
    set_to(objects, objects.now[0] + 3 * DAY)
    objects.store.sweep()
    assert objects.held() == []
