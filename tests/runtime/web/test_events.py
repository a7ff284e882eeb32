"""A run's events as server-sent events, over a real socket."""

import json

import anyio
import httpx
import pytest

from saltern_runtime.store.views import RunState
from saltern_runtime.web import sse
from tests.support.listening import listening

pytestmark = pytest.mark.anyio


@pytest.fixture
def address(app):
    """Serve the app by uvicorn on a free port of the loopback."""
    with listening(app) as url:
        yield url


@pytest.fixture
async def live(address, keyring):
    """Connect to the served app."""
    async with httpx.AsyncClient(
        base_url=address, headers={"Authorization": f"Bearer {keyring['default'][0]}"}
    ) as made:
        yield made


async def frames(response):
    """Yield the fields of each event, and comments under the empty name."""
    fields = {}
    async for line in response.aiter_lines():
        if not line:
            yield fields
            fields = {}
            continue
        name, _, value = line.partition(": ")
        fields[name.rstrip(":") if name != "" else ""] = value


async def begin(client):
    return (await client.post("/runs", json={"id": "a"})).json()["id"]


async def test_events_arrive_as_they_happen_and_the_stream_ends(live, service):
    """What is there comes at once, what happens later as it happens, and after the terminal event the stream ends."""
    run_id = await begin(live)
    seen = []
    async with live.stream("GET", f"/runs/{run_id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for frame in frames(response):
            if "event" not in frame:
                continue
            seen.append((frame["id"], frame["event"]))
            if frame["event"] == "run.created":
                service.finish(run_id)
    assert seen == [("1-0", "run.created"), ("2-0", "stage.succeeded"), ("3-0", "run.succeeded")]


async def test_an_event_is_a_cloud_event(live, service):
    """The data of each event is a CloudEvent of the run, whatever characters it holds."""
    run_id = await begin(live)
    service.emit(run_id, "stage.failed", path="greet", data={"text": "a\nb\u2028\ud800"})
    service.finish(run_id, RunState.FAILED)
    async with live.stream("GET", f"/runs/{run_id}/events") as response:
        found = [json.loads(frame["data"]) async for frame in frames(response) if "event" in frame]
    event = found[1]
    assert (
        event
        | {
            "specversion": "1.0",
            "id": "2-0",
            "source": f"/runs/{run_id}",
            "type": "stage.failed",
            "subject": "greet",
            "data": {"text": "a\nb\u2028\ud800"},
        }
        == event
    )


async def test_last_event_id_continues(live, service):
    """A client that comes back names the last event it saw and gets what came after it."""
    run_id = await begin(live)
    service.finish(run_id)
    answer = await live.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": "2-0"})
    assert [line for line in answer.text.splitlines() if line.startswith("id:")] == ["id: 3-0"]


async def test_nothing_after_the_end_is_204(live, service):
    """A client that saw the terminal event is told to stop coming back."""
    run_id = await begin(live)
    service.finish(run_id)
    assert (await live.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": "3-0"})).status_code == 204


@pytest.mark.parametrize("last", ["x", "1-", "-", "$", "1" * 30, "1 2"])
async def test_ids_of_other_streams_are_refused(live, last):
    """An id that this stream never gave is a 400."""
    run_id = await begin(live)
    answer = await live.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-event-id")


async def test_silence_is_filled_with_comments(app, service):
    """While nothing happens, a comment keeps the connection alive, and a run whose terminal event was cut off still ends it."""
    backend = app.state.saltern_backends["greeter"]
    backend.watchers.total_tokens = 0
    run_id = service.start({"id": "a"}, tenant="default", trigger="api").run_id
    run = service.get(run_id, "default")
    seen = []
    async for frame in sse.follow(backend, run, "1-0", "/runs/x", heartbeat=0.0):
        seen.append(frame)
        if len(seen) == 3:
            service.finish(run_id)
            service.streams[run_id].clear()
    assert set(seen[1:]) == {": still running\n\n"}


async def test_a_client_that_leaves_frees_its_thread(live, app, service):
    """When clients go away in the middle, their threads come back."""
    run_id = await begin(live)
    for _ in range(3):
        async with live.stream("GET", f"/runs/{run_id}/events") as response:
            async for frame in frames(response):
                if "event" in frame:
                    break
    watchers = app.state.saltern_backends["greeter"].watchers
    with anyio.fail_after(20):
        while watchers.borrowed_tokens:  # noqa: ASYNC110 - a limiter has no event to wait for
            await anyio.sleep(0.05)


async def test_ten_megabytes_are_refused_and_the_answer_is_read(live, service):
    """A client that sends far too much, chunked or not, reads its 413 instead of a broken connection."""

    async def chunks():
        for _ in range(160):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    for content in (b" " * 10_485_760, chunks()):
        answer = await live.post("/runs", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert (await live.get("/runs")).json()["runs"] == []


async def test_the_service_is_closed_with_the_app(app, service):
    """The app's lifespan closes what the requests opened."""
    async with app.router.lifespan_context(app):
        pass
    assert service.closed
