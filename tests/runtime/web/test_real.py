"""The API over the real store and engine, with the worker in this process."""

import uuid

import anyio
import httpx
import pytest
from fastapi import FastAPI, Response

from saltern_runtime import Graph, Stage
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.web import PipelineRouter, Start, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.redis import RedisServer
from tests.support.web import Input, Output, greet, return_

pytestmark = pytest.mark.anyio
DIGEST = "sha256:" + "5" * 64


class Named(Graph):
    """A graph of its own name, whose digest needs no file."""

    digest = DIGEST


@pytest.fixture(scope="module")
def graph():
    stages = (Stage("greet", nodes=(greet,)), Stage("return", nodes=(return_,)))
    return Named(f"t{uuid.uuid4().hex[:10]}", package="tests", stages=stages)


@pytest.fixture(scope="module")
def router(graph):
    made = PipelineRouter(graph, output=Output)

    @made.start("/runs")
    async def start_run(body: Input, start: Start) -> Response:
        return await start(body)

    return made


@pytest.fixture
def worker(graph, settings, redis_url):
    with in_one_process(graph, redis_url=redis_url, settings=settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def app(router, settings):
    return build_app(router, settings)


@pytest.fixture
async def client(app, graph, settings, worker, connect):
    app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(settings.api_tokens))}
    async with connect(app) as made:
        yield made


async def test_a_run_from_start_to_end(client, worker):
    """What the API accepted, the worker runs, and the API shows with every node and event."""
    started = (await client.post("/runs", json={"id": "\x00grüße"})).json()
    assert (await client.get(started["url"])).json()["state"] == "QUEUED"
    await anyio.to_thread.run_sync(worker.finish, started["id"], 20)
    run = (await client.get(started["url"])).json()
    assert (run["state"], run["output"]) == ("SUCCEEDED", {"text": "hello \x00grüße"})
    assert {node["state"] for node in run["nodes"]} == {"SUCCEEDED"}
    events = (await client.get(started["url"] + "/events")).text
    assert "event: run.created" in events
    assert events.rstrip().splitlines()[-2] == "event: run.succeeded"


async def test_waiting_for_the_end(client, worker, service):
    """`Prefer: wait` answers with the finished run as soon as the worker is done."""
    async with anyio.create_task_group() as group:

        def work():
            while not worker.bells.bells:
                pass
            while worker.step():
                pass

        group.start_soon(anyio.to_thread.run_sync, work)
        answer = await client.post("/runs", json={"id": "a"}, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["output"]) == (200, {"text": "hello a"})


async def test_keys_cursors_and_cancels(client):
    """Idempotency, listings and cancelling behave as documented over the real store."""
    first = await client.post("/runs", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    again = await client.post("/runs", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    assert again.json() == {**first.json(), "created": False}
    other = await client.post("/runs", json={"id": "b"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    ids = [first.json()["id"]] + [(await client.post("/runs", json={"id": str(n)})).json()["id"] for n in range(4)]
    seen, cursor = [], None
    while True:
        page = (await client.get("/runs", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [run["id"] for run in page["runs"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)
    cancelled = await client.post(f"/runs/{ids[0]}/cancel", json={"reason": "no need"})
    assert cancelled.json()["state"] in ("CANCELLING", "CANCELLED")


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".", "1.x\x00", "9" * 400, "1e9.0-x", "-1.0-x"])
async def test_broken_cursors_are_refused(client, cursor):
    """A cursor that no listing gave is a 400 or leads to nothing, never a 500."""
    answer = await client.get("/runs", params={"cursor": cursor})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("run_id", ["x", "0-", "-1-x", "9999999-a", "0-zz", "0:1", "~"])
async def test_broken_run_ids_are_404(client, run_id):
    """Ids that no start gave are unknown, never a 500."""
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        assert (await client.request(method, f"/runs/{run_id}{path}")).status_code == 404


@pytest.mark.parametrize("last", ["99999999999999999999", "18446744073709551616-0", "1-99999999999999999999"])
async def test_event_ids_beyond_the_store_are_refused(client, last):
    """An id that the store cannot read is a 400, never a broken stream."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    answer = await client.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-event-id")


async def test_figures_of_the_store_are_scraped(client, worker):
    """Finished runs are counted."""
    started = (await client.post("/runs", json={"id": "a"})).json()
    await anyio.to_thread.run_sync(worker.finish, started["id"], 20)
    text = (await client.get("/metrics")).text
    assert 'state="SUCCEEDED"} 1.0' in text


async def test_a_store_that_is_away_is_503(router, settings, tmp_path, keyring):
    """With no server at its address the API answers: not ready, start refused, health fine."""
    from dataclasses import replace

    away = RedisServer(tmp_path).url
    app = build_app(router, replace(settings, redis_url=away, socket_timeout=0.2))
    headers = {"Authorization": f"Bearer {keyring['default'][0]}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers, timeout=60) as client:
        assert (await client.get("/healthz")).status_code == 200
        for answer in (await client.get("/readyz"), await client.post("/runs", json={"id": "a"})):
            assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")


async def test_a_foreign_app_makes_and_closes_its_own_service(router, graph, settings, redis_url, keyring):
    """Included elsewhere, the router opens its service at the first request and closes it with the app."""
    from dataclasses import replace

    app = FastAPI()
    app.include_router(router, prefix="/x")
    app.state.saltern_settings = replace(settings, redis_url=redis_url)
    headers = {"Authorization": f"Bearer {keyring['default'][0]}"}
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
            assert (await client.get("/x/runs")).json() == {"runs": [], "cursor": None}
        assert set(app.state.saltern_backends) == {graph.name}
    assert not app.state.saltern_backends
