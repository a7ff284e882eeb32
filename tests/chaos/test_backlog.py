"""Thousands of runs that wait while no worker is there: what looks at them costs what it costs with a few, and then a worker comes."""

import pytest

from saltern_runtime.store.views import RunState, WantedRuns
from tests.chaos.conftest import Site, chaos_graph
from tests.support.effort import LONG
from tests.support.until import until

FEW, MANY = 300, 20_000 if LONG else 1_000


@pytest.fixture
def site(own_redis, service, tmp_path, monkeypatch):
    monkeypatch.setenv("SALTERN_REDIS_URL", own_redis.url)
    with (tmp_path / "log").open("w") as log:
        made = Site(own_redis.url, service, log, "chaos_hostile")
        del made.env["CHAOS"]
        yield made
        made.close()


def commands(client, action):
    """Return how many commands the server took for something, those of scripts among them."""
    before = taken(client)
    action()
    return taken(client) - before


def taken(client):
    return sum(each["calls"] for name, each in client.info("commandstats").items() if name != "cmdstat_info")


def messages(client):
    """Return how many messages lie in the broker."""
    return sum(client.llen(name) for name in client.scan_iter(_type="list", count=1000))


def test_runs_that_wait_for_a_worker(site, own_redis, here):
    """Listings, figures and sweeps take as many commands for many runs as for few; bells stay a handful; a worker that comes late finds its work."""
    client, service = own_redis.client(), site.service
    quiet = here(graph=chaos_graph(site.name, "chaos_hostile"))
    looks = {
        "a page": lambda: service.list("acme", limit=20),
        "those that wait": lambda: service.list(
            "acme", limit=20, wanted=WantedRuns(states=frozenset({RunState.QUEUED}))
        ),
        "figures": service.figures,
        "a sweep": quiet.sweeper.sweep,
    }

    def counted(runs):
        for _ in range(runs):
            site.start(how="")
        until(lambda: not quiet.sweeper.sweep())
        return {name: min(commands(client, look) for _ in range(3)) for name, look in looks.items()}

    few = counted(FEW)
    many = counted(MANY - FEW)
    # Of what does not match, some thousands are looked at and no more.
    failed = commands(client, lambda: service.list("acme", wanted=WantedRuns(states=frozenset({RunState.FAILED}))))
    assert many == few
    assert failed <= 5_100
    assert messages(client) <= service.store.settings.bells

    site.worker()
    site.timers()
    assert until(lambda: service.figures().counts.get("runs|SUCCEEDED", 0) >= FEW, 60)
    client.close()


def test_what_a_run_that_waits_takes(own_redis, site):
    """Some 6 KB, so that twenty thousand are 120 MB: what the page says is no less than half a kilobyte off."""
    client = own_redis.client()
    site.start(how="")  # what there is once
    before = client.info("memory")["used_memory_dataset"]
    for _ in range(FEW):
        site.start(how="")
    each = (client.info("memory")["used_memory_dataset"] - before) / FEW
    client.close()
    assert each <= 6_500
