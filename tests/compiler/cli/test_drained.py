"""`saltern drained` against a real service: its API on the loopback, its engine and its store."""

import json
import re
import threading

import pytest

from saltern_compiler.cli import drained
from saltern_runtime.store.calls import NewRun
from saltern_runtime.store.keys import new_run_id
from saltern_runtime.store.versions import announce

OLD = "sha256:" + "a1" * 32
NOTHING = '{"kind":"cancelled","code":"cancelled","message":"no"}'


@pytest.fixture
def there(monkeypatch, orders):
    """The service of orders, which the environment names, and which has counted its runs."""
    monkeypatch.setenv("SALTERN_URL", orders.url)
    monkeypatch.setenv("SALTERN_TOKEN", orders.token)
    orders.worker.step()
    return orders


@pytest.fixture
def store(there):
    return there.worker.service.store


@pytest.fixture
def old(store):
    """An open run of another version."""
    run = NewRun(new_run_id(0), OLD, "acme", "api", "{}", "b", "", deadline=60.0, retention=60.0, entries=(ENTRY,))
    return store.create(run).run_id


ENTRY = {
    "path": "a", "need": 1, "join": "all", "live": 0, "dead": 0, "queue": "a1a1a1a1.default", "priority": 5, "reads": "[]", "timeout": 9,
}  # fmt: skip


def test_nothing_is_open(there, saltern):
    """The current version stands there alone, with its workers; old ones may go, whatever is open of the current one."""
    code, out, err = saltern("drained")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"[0-9a-f]{8}  current  0 open runs  workers\n", out)
    there.worker.service.start({"id": "a"}, tenant="acme", trigger="api")
    code, out, err = saltern("drained")
    assert (code, err) == (0, "")
    assert re.match(r"[0-9a-f]{8}  current  1 open run: 1 QUEUED, the oldest of \S+ \S+Z  workers\n", out)


def test_an_old_version_has_an_open_run(there, store, old, saltern):
    """It is named with what is open and whether anybody works at it: exit code 1 until it is over."""
    code, out, err = saltern("drained")
    assert (code, err) == (1, "saltern: a1a1a1a1 has 1 open run\n")
    line = next(line for line in out.splitlines() if line.startswith("a1a1a1a1"))
    assert re.fullmatch(r"a1a1a1a1 {11}1 open run: 1 QUEUED, the oldest of \S+ \S+Z  no worker was ever seen", line)
    announce(store, OLD, ["a1a1a1a1.files"])
    assert saltern("drained")[1].splitlines()[0].endswith("  workers, but none for 1 activation that wait")
    assert json.loads(saltern("drained", "--json")[1])["versions"][0]["plan"] == OLD
    store.cancel(old, "acme", NOTHING)
    assert saltern("drained")[0] == 0


def test_one_version_is_asked_for(there, store, old, saltern):
    """By its digest or the beginning of it, drained long ago or not; one that was never here is no success."""
    current = there.worker.service.plans.plan
    for digest in (OLD, "a1a1a1a1", "A1A1"):
        assert saltern("drained", digest)[0] == 1
    assert saltern("drained", current)[0] == 0
    there.worker.service.start({"id": "a"}, tenant="acme", trigger="api")
    assert saltern("drained", current[7:15])[0] == 1
    store.cancel(old, "acme", NOTHING)
    assert saltern("drained", "a1a1a1a1")[0] == 0
    for digest in ("a1a", "beef" * 16, "no-digest"):
        code, out, err = saltern("drained", digest)
        assert (code, out, err) == (1, "", f"saltern: {digest}: no version of that digest was ever seen here\n")


def test_the_end_is_waited_for(there, store, old, saltern, monkeypatch):
    """`--wait` goes on until the last one is over, and tells what it waits for once."""
    monkeypatch.setattr(drained, "_PAUSE", 0.01)
    asked = threading.Event()
    versions = there.worker.service.versions
    monkeypatch.setattr(there.worker.service, "versions", lambda: (asked.set(), versions())[1])

    def end():
        asked.wait(20)
        store.cancel(old, "acme", NOTHING)

    thread = threading.Thread(target=end)
    thread.start()
    code, _, err = saltern("drained", "--wait")
    thread.join()
    assert code == 0
    assert err in ("", "a1a1a1a1 has 1 open run\n")


def test_waiting_has_an_end(there, old, saltern):
    """After `--timeout` it is as it is: exit code 1."""
    code, out, err = saltern("drained", "--wait", "--timeout", "0.01")
    assert (code, err.splitlines()[-1]) == (1, "saltern: a1a1a1a1 has 1 open run")
    assert out.startswith("a1a1a1a1")
    assert saltern("drained", "--timeout", "-1")[0] == 2


def test_what_is_not_counted_is_not_drained(monkeypatch, orders, saltern):
    """Where no timers ever swept, runs of older runtimes may be open that nobody counts."""
    monkeypatch.setenv("SALTERN_TOKEN", orders.token)
    code, _, err = saltern("drained", "--url", orders.url)
    assert (code, err) == (
        1,
        "saltern: it is not known yet what is open: timers count it in their first sweep, and none has been made\n",
    )
