"""Crowds: thousands who watch runs over one API, as processes of their own."""

import asyncio
import resource
from pathlib import Path

import httpx
import pytest

from saltern_runtime.web import tokens
from tests.chaos.conftest import Site
from tests.support.crowd import crowd, watcher
from tests.support.effort import LONG
from tests.support.redis import free_port
from tests.support.until import until

MANY = 3000 if LONG else 200
THREADS = 40
"""Of which the API has no more for all its requests; each may have two connections to the store."""


class Api:
    """The API of a site, as a process."""

    def __init__(self, site, token):
        self.site, self.token, self.port = site, token, free_port()
        command = ("-m", "uvicorn", "--factory", f"{site.package}.api:create_app", "--port", str(self.port))
        self.process = site.spawn(*command, "--log-level", "warning")
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)
        self.http.headers["Authorization"] = f"Bearer {token}"
        assert until(self.is_up)
        self.start()

    def is_up(self):
        """Whether it answers."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def start(self):
        """Start a run; return its id."""
        return self.http.post("/runs", json={"how": ""}).json()["id"]

    @property
    def descriptors(self):
        """How many it has open."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())


@pytest.fixture
def api(own_redis, service, tmp_path, monkeypatch):
    token, entry = tokens.new("acme")
    monkeypatch.setenv("SALTERN_API_TOKENS", str(entry))
    with (tmp_path / "log").open("w") as log:
        site = Site(own_redis.url, service, log, "chaos_hostile")
        made = Api(site, token)
        yield made
        made.http.close()
        site.close()


def test_all_who_watch_are_told(api, own_redis):
    """Each hears of the end of its run, one that reads nothing keeps nobody waiting, and nothing is left of them."""

    async def watch():
        one = api.start()
        runs = [api.start() if LONG or at % 10 == 0 else one for at in range(MANY)]
        async with crowd(api.port, api.token, runs) as watchers:
            silent = await watcher(api.port, api.token, one, buffer=4096)
            reading = [asyncio.create_task(each.read()) for each in watchers]
            for each in watchers:
                await each.first.wait()
            with own_redis.client() as client:
                clients = client.info("clients")
            for run in set(runs):
                await asyncio.to_thread(api.site.service.cancel, run, "acme")
            heard = await asyncio.gather(*reading)
            silent.close()
        return clients, heard

    async def within():
        async with asyncio.timeout(300):
            return await watch()

    clients, heard = asyncio.run(within())
    assert len(heard) == MANY
    assert {(each[0], each[-1]) for each in heard} == {("run.created", "run.cancelled")}
    assert all(len(set(each)) == len(each) for each in heard)
    assert clients["connected_clients"] <= 2 * THREADS + 10
    assert clients["blocked_clients"] <= 1
    assert until(lambda: api.descriptors <= 2 * THREADS + 20)
    assert api.http.get("/runs").status_code == 200


def test_an_api_without_descriptors_goes_on(api):
    """Who comes while it has none left is not answered; it does not end, and answers once others have gone."""
    run = api.start()
    limit = api.descriptors + 30
    resource.prlimit(api.process.pid, resource.RLIMIT_NOFILE, (limit, limit))

    async def flood():
        made = [await watcher(api.port, api.token, run) for _ in range(100)]
        answered = [asyncio.create_task(each.head()) for each in made]
        await asyncio.wait(answered, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(until, lambda: api.descriptors >= limit - 1)
        for each in (*answered, *made):
            each.cancel() if isinstance(each, asyncio.Task) else each.close()
        await asyncio.gather(*answered, return_exceptions=True)

    asyncio.run(flood())
    assert until(api.is_up)
    assert until(lambda: api.descriptors < limit - 10)
    assert api.process.poll() is None
    assert api.http.get(f"/runs/{run}").json()["id"] == run
