"""A run's events as server-sent events, over a real socket."""

import json
from contextlib import AsyncExitStack, ExitStack

import anyio
import httpx
import pytest

from saltern_runtime.store.store import StoreUnavailableError
from saltern_runtime.store.views import RunState
from saltern_runtime.web import sse, watching
from saltern_runtime.web.backend import of
from saltern_runtime.web.watching import Streams
from tests.support.listening import listening
from tests.support.web import GRAPH

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
    run_id = service.start({"id": "a"}, tenant="default", trigger="api").run_id
    run = service.get(run_id, "default")
    seen = []
    async for frame in sse.follow(backend, run, "1-0", "/runs/x", heartbeat=0.0):
        seen.append(frame)
        if len(seen) == 3:
            service.finish(run_id)
            service.streams[run_id].clear()
    assert set(seen[1:]) == {": still running\n\n"}


async def test_a_client_that_leaves_leaves_nothing(live, app, service):
    """When clients go away in the middle, nothing waits for them any more, whoever of them read for the others."""
    run_id, other = await begin(live), await begin(live)
    async with live.stream("GET", f"/runs/{other}/events") as stays:
        left = frames(stays)
        for _ in range(3):
            async with live.stream("GET", f"/runs/{run_id}/events") as response:
                async for frame in frames(response):
                    if "event" in frame:
                        break
        service.finish(other)
        assert [each["event"] async for each in left if "event" in each][-1] == "run.succeeded"
    backend = app.state.saltern_backends["greeter"]
    with anyio.fail_after(20):
        while backend.streams._open or backend.hubs.of(run_id)._waiting:  # noqa: ASYNC110 - neither has an event to wait for
            await anyio.sleep(0.05)


async def test_no_more_streams_than_may_be(live, app):
    """One more is told to come again; a tenant has three quarters of them, so that another one may follow its runs as well."""
    run_id = await begin(live)
    streams = app.state.saltern_backends["greeter"].streams = Streams(4)
    async with AsyncExitStack() as stack:
        followed = []  # what is read of a stream closes it once nobody has it
        for _ in range(3):
            response = await stack.enter_async_context(live.stream("GET", f"/runs/{run_id}/events"))
            followed.append(frames(response))
            while "event" not in await anext(followed[-1]):
                pass
        answer = await live.get(f"/runs/{run_id}/events")
        told = (answer.status_code, answer.json()["code"], answer.headers["retry-after"])
        assert told == (503, "too-many-streams", "5")
        assert not streams.is_full("other")


@pytest.mark.parametrize(
    ("descriptors", "most"), [(1_048_576, 4096), (4352, 4096), (1024, 768), (512, 256), (256, 128), (100, 50), (2, 2)]
)
async def test_as_many_streams_as_there_are_descriptors_for(monkeypatch, descriptors, most):
    """4,096, and fewer where that leaves fewer than 256 descriptors for all else; half of them where there are under 512."""
    monkeypatch.setattr(watching.resource, "getrlimit", lambda of: (descriptors, descriptors))
    assert watching.most_streams() == most
    streams = Streams()
    taken = 0
    with ExitStack() as stack:
        while not streams.is_full("acme"):
            assert stack.enter_context(streams.one("acme"))
            taken += 1
        assert taken == max(1, most * 3 // 4)
        assert streams.is_full("other") is (taken >= most)


async def test_a_stream_too_many_that_was_let_in_ends_at_once(app, service):
    """Of two that come at the same moment for the last place, one is over before it began; its client comes again."""
    backend = of(app, GRAPH)
    backend.streams = Streams(0)
    run_id = service.start({"id": "a"}, tenant="default", trigger="api").run_id
    assert [each async for each in sse.follow(backend, service.get(run_id, "default"), "0", "/runs/x")] == [
        "retry: 1000\n\n"
    ]


def hearing(app, service):
    """Begin a run in which three stages begin; returns it, what is heard from which place, and who hears it from there."""
    hub = of(app, GRAPH).hubs.of("0-a")
    run_id = service.start({"id": "a"}, tenant="default", trigger="api").run_id
    for _ in range(3):
        service.emit(run_id, "stage.started", path="greet")
    heard = {}

    async def hear(after):
        heard[after] = [event.id for event in await hub.events(run_id, after)]

    return run_id, heard, hear


async def test_who_lags_behind_is_not_told_twice_nor_skipped(app, service):
    """Two who wait for the same run from different places hear each event once, whoever reads for both."""
    run_id, heard, hear = hearing(app, service)
    async with anyio.create_task_group() as group:
        for after in ("1-0", "3", "4-0"):
            group.start_soon(hear, after)
        with anyio.fail_after(20):
            while len(heard) < 2:  # noqa: ASYNC110 - what is heard has no event to wait for
                await anyio.sleep(0.01)
        service.finish(run_id)
    assert heard == {"1-0": ["2-0", "3-0", "4-0"], "3": ["4-0"], "4-0": heard["4-0"]}
    assert heard["4-0"][0] == "5-0"


async def test_who_joins_a_read_from_further_back_misses_nothing(app, service):
    """Somebody reads for the run from a later place already: who joins meanwhile hears what lies between in the next round."""
    run_id, heard, hear = hearing(app, service)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(hear, "4-0")
            await anyio.wait_all_tasks_blocked()
            group.start_soon(hear, "1-0")
            await anyio.wait_all_tasks_blocked()
            service.finish(run_id)
    assert heard["1-0"][:3] == ["2-0", "3-0", "4-0"]
    assert heard["4-0"][0] == "5-0"


async def test_a_store_that_is_away_breaks_one_round(app, service):
    """Who read for all is told that the store is away; the others go on once it is back."""
    hub = of(app, GRAPH).hubs.of("0-a")
    run_id = service.start({"id": "a"}, tenant="default", trigger="api").run_id
    failed, heard = [], []

    async def hear():
        try:
            heard.extend(await hub.events(run_id, "1-0"))
        except StoreUnavailableError as error:
            failed.append(error)
            service.broken = None
            service.finish(run_id)

    service.broken = StoreUnavailableError("away")
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(hear)
    assert len(failed) == 1
    assert [event.type for event in heard] == ["stage.succeeded", "run.succeeded"] * 2


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
