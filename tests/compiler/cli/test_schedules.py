"""`saltern schedules` against a real service: its API on the loopback, its timers and its store."""

import json
import re

import pytest

from saltern_runtime.engine.schedules import Schedules
from saltern_runtime.graph import Schedule
from tests.support.operated import operated

HOURLY = (
    Schedule("hourly", "0 * * * *", input={"id": "good"}),
    Schedule("nightly", "0 3 * * *", time_zone="Europe/Zurich", overlap="drop"),
)


@pytest.fixture
def there(monkeypatch, redis_url):
    """A service with two schedules, which the environment names."""
    with operated(redis_url, tenant="default", schedules=HOURLY) as service:
        monkeypatch.setenv("SALTERN_URL", service.url)
        monkeypatch.setenv("SALTERN_TOKEN", service.token)
        yield service


def stood_long_ago(service, schedule):
    """Let a schedule have fired last two hours ago, as though no timers had run since."""
    store = service.worker.service.store
    key = store.keys.shard(0) + "schedules"
    tick, _, signature = store.client.hget(key, schedule).partition(" ")
    store.client.hset(key, schedule, f"{int(tick) - 7_200_000} {signature}")


def test_a_paused_schedule_makes_no_runs(there, saltern):
    """It is listed with who paused it and why; what passed meanwhile is not made up for once it goes on, what comes then is."""
    timers = Schedules(there.worker.service)
    timers.fire()
    stood_long_ago(there, "hourly")
    code, out, err = saltern("schedules", "pause", "hourly", "--reason", "the bank is closed")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"hourly  paused \S+ \S+Z by token:[0-9a-f]+: the bank is closed\n", out)
    assert timers.fire() == 0
    lines = saltern("schedules", "list")[1].splitlines()
    assert "the bank is closed" in lines[0]
    assert re.fullmatch(r"nightly  0 3 \* \* \* Europe/Zurich  next \d{4}-\d\d-\d\d 0[12]:00:00Z", lines[1])
    code, out, _ = saltern("schedules", "resume", "hourly")
    assert (code, out.partition(" next ")[1]) == (0, " next ")
    assert timers.fire() == 0
    stood_long_ago(there, "hourly")
    assert timers.fire() == 1


def test_it_is_audited(there, saltern):
    """Each change is kept with who, when and why; what changes nothing is not."""
    for what, why in (("pause", "one"), ("pause", "two"), ("resume", ""), ("resume", "")):
        assert saltern("schedules", what, "hourly", "nightly", "--reason", why)[0] == 0
    code, out, _ = saltern("schedules", "audit", "hourly", "--json")
    entries = [json.loads(line) for line in out.splitlines()]
    assert (code, [(entry["what"], entry["why"]) for entry in entries]) == (0, [("pause", "one"), ("resume", "")])
    assert all(entry["by"].startswith("token:") for entry in entries)


@pytest.mark.parametrize("name", ["weekly", "../runs", "a|b", "\x1b[31m"])
def test_what_is_no_schedule(there, saltern, name):
    """It is refused by name, and stops none of the others."""
    code, out, err = saltern("schedules", "pause", name, "hourly")
    assert (code, out.split()[0]) == (1, "hourly")
    assert "schedule-not-found" in err
    assert "\x1b" not in err
    assert saltern("schedules", "audit", name)[0] == 1


def test_a_schedule_of_another_tenant(monkeypatch, redis_url, saltern):
    """Runs of schedules are the default tenant's: no other sees them, or halts them."""
    with operated(redis_url, schedules=HOURLY) as service:
        monkeypatch.setenv("SALTERN_URL", service.url)
        monkeypatch.setenv("SALTERN_TOKEN", service.token)
        assert saltern("schedules", "list")[:2] == (0, "")
        assert saltern("schedules", "pause", "hourly")[0] == 1
        assert saltern("schedules", "audit", "hourly")[0] == 1


def test_a_pipeline_without_schedules(orders, monkeypatch, saltern):
    """Nothing is listed, and none can be paused."""
    monkeypatch.setenv("SALTERN_URL", orders.url)
    monkeypatch.setenv("SALTERN_TOKEN", orders.token)
    assert saltern("schedules", "list") == (0, "", "")
    assert "schedule-not-found" in saltern("schedules", "pause", "hourly")[2]
