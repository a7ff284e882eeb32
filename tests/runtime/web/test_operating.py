"""Pause, resume, replay and dead letters over HTTP, with the real store and engine."""

import uuid

import anyio
import pytest
from fastapi import Response

from saltern_runtime import Stage, node
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context
from saltern_runtime.spec import Retry
from saltern_runtime.web import PipelineRouter, Start, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.graphs import graph_of
from tests.support.web import Input, Output

pytestmark = pytest.mark.anyio
BROKEN = set()


@node("charge", type="http.request@1")
def charge(ctx: Context, *, input: Input) -> str:  # noqa: A002 - the name that generated functions use
    if input.id in BROKEN:
        raise PermanentError("the card was refused", code="refused", status=402)
    return input.id


@node("return", type="return@1")
def return_(*, charge: str) -> Output:
    return Output(text=charge)


@pytest.fixture(scope="module")
def graph():
    stages = (Stage("charge", nodes=(charge,), retry=Retry(attempts=1)), Stage("return", nodes=(return_,)))
    return graph_of(f"t{uuid.uuid4().hex[:10]}", *stages)


@pytest.fixture(scope="module")
def router(graph):
    made = PipelineRouter(graph, output=Output)

    @made.start("/runs")
    async def start_run(body: Input, start: Start) -> Response:
        return await start(body)

    return made


@pytest.fixture
def worker(graph, settings, redis_url):
    BROKEN.clear()
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


@pytest.fixture
def run(client, worker):
    """Start a run and let it end."""

    async def start(given, *, wait=True):
        made = (await client.post("/runs", json={"id": given})).json()["id"]
        if wait:
            await anyio.to_thread.run_sync(worker.finish, made, 20)
        return made

    return start


async def test_a_letter_is_listed_mended_and_replayed(client, worker, run):
    """The failed run is listed with its failure; replayed, it succeeds, the letter is gone, and the audit says who and why."""
    BROKEN.add("a")
    made = await run("a")
    page = (await client.get("/runs/dead-letters")).json()
    assert page["cursor"] is None
    [letter] = page["letters"]
    assert (letter["run"], letter["path"], letter["node"], letter["attempts"]) == (made, "charge", "charge", 1)
    assert letter["failure"] == {
        "kind": "external-permanent", "code": "refused", "message": "the card was refused", "node": "charge", "status": 402,
    }  # fmt: skip
    BROKEN.clear()
    answer = await client.post(f"/runs/{made}/replay", json={"reason": "the card was topped up"})
    assert (answer.status_code, answer.json()["state"]) == (202, "RUNNING")
    await anyio.to_thread.run_sync(worker.finish, made, 20)
    shown = (await client.get(f"/runs/{made}")).json()
    assert (shown["state"], shown["output"], shown["failure"]) == ("SUCCEEDED", {"text": "a"}, None)
    assert (await client.get("/runs/dead-letters")).json()["letters"] == []
    [entry] = (await client.get(f"/runs/{made}/audit")).json()["entries"]
    assert (entry["what"], entry["why"]) == ("replay", "the card was topped up")
    assert entry["by"].startswith("token:")
    assert "event: run.replayed" in (await client.get(f"/runs/{made}/events")).text


async def test_what_people_did_is_shown_without_the_key(client, worker, run, redis_client):
    """An input that does not open hides neither the audit nor the dead letters, whose messages are sealed by themselves."""
    BROKEN.add("a")
    made = await run("a")
    await client.post(f"/runs/{made}/replay", json={"reason": "again"})
    await anyio.to_thread.run_sync(worker.finish, made, 20)
    redis_client.hset(worker.service.store.keys.run(made, ":vals"), "", "~1gone.AAAA")
    assert (await client.get(f"/runs/{made}")).json()["code"] == "store-unfit"
    [entry] = (await client.get(f"/runs/{made}/audit")).json()["entries"]
    assert (entry["what"], entry["why"]) == ("replay", "again")
    [letter] = (await client.get(f"/runs/{made}/dead-letters")).json()["letters"]
    assert letter["failure"]["code"] == "refused"


@pytest.mark.parametrize("what", ["pause", "resume", "cancel", "replay", "rerun", "again", "discard"])
async def test_a_run_whose_input_does_not_open_is_not_operated(client, worker, run, redis_client, caplog, what):  # noqa: PLR0917 - each is a fixture
    """A 503 that says nothing of the key, which the log names; and nothing of the run is changed, or noted."""
    BROKEN.add("a")
    made = await run("a", wait=what not in ("pause", "resume", "cancel"))
    keys = worker.service.store.keys
    redis_client.hset(keys.run(made, ":vals"), "", "~1gone.AAAA")
    records = {part: redis_client.dump(keys.run(made, part)) for part in ("", ":acts", ":vals", ":audit", ":events")}
    body = {"rerun": {"from": "charge"}, "discard": {"path": "charge"}}.get(what, {"reason": "why"})
    answer = await client.post(f"/runs/{made}/{what}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unfit")
    assert "gone" not in answer.text
    assert "the key 'gone'" in caplog.text
    assert {part: redis_client.dump(keys.run(made, part)) for part in records} == records
    assert redis_client.zcard(keys.shard(0) + "dead") == (what in ("replay", "rerun", "again", "discard"))


async def test_a_run_begins_anew_at_a_node(client, worker, run):
    """It goes on at once; whoever follows its events sees both ends; the audit says where, who and why."""
    made = await run("a")
    answer = await client.post(f"/runs/{made}/rerun", json={"from": "charge", "reason": "the wrong card"})
    assert (answer.status_code, answer.json()["state"]) == (202, "RUNNING")
    await anyio.to_thread.run_sync(worker.finish, made, 20)
    assert (await client.get(f"/runs/{made}")).json()["output"] == {"text": "a"}
    [entry] = (await client.get(f"/runs/{made}/audit")).json()["entries"]
    assert (entry["what"], entry["node"], entry["why"]) == ("rerun", "charge", "the wrong card")
    events = (await client.get(f"/runs/{made}/events")).text
    assert events.count("event: run.succeeded") == 2
    assert events.index("event: run.rerun") < events.rindex("event: run.succeeded")


async def test_where_a_run_does_not_begin_anew(client, run):
    """A node that is not there, a run that is not over, and bodies that say nothing of it."""
    made, going = await run("a"), await run("b", wait=False)
    for target, body, status, code in (
        (made, {"from": "other"}, 422, "node-unknown"),
        (made, {"from": "x" * 2001}, 422, "invalid-request"),
        (made, {"from": 7}, 422, "invalid-request"),
        (made, {"reason": "why"}, 422, "invalid-request"),
        (made, {"node": "charge"}, 422, "invalid-request"),
        (made, {"from": "charge", "more": 1}, 422, "invalid-request"),
        (going, {"from": "charge"}, 409, "run-open"),
        ("0-" + "0" * 24, {"from": "charge"}, 404, "run-not-found"),
    ):
        answer = await client.post(f"/runs/{target}/rerun", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.post(f"/runs/{made}/rerun")).status_code == 422
    assert (await client.get(f"/runs/{made}")).json()["state"] == "SUCCEEDED"


async def test_a_run_is_paused_and_resumed(client, worker, run):
    """Both may be said twice; a paused run waits, a resumed one ends."""
    made = await run("a", wait=False)
    answers = [await client.post(f"/runs/{made}/pause") for _ in range(2)]
    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(202, "PAUSED"), (200, "PAUSED")]
    while await anyio.to_thread.run_sync(worker.step):
        pass
    assert (await client.get(f"/runs/{made}")).json()["state"] == "PAUSED"
    answers = [await client.post(f"/runs/{made}/resume", json={}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200]
    await anyio.to_thread.run_sync(worker.finish, made, 20)
    assert (await client.get(f"/runs/{made}")).json()["state"] == "SUCCEEDED"


async def test_all_that_match_are_dealt_with(client, worker, run):
    """Filters hold for listing, replaying and discarding alike."""
    BROKEN.update("abc")
    runs = [await run(given) for given in "abc"]
    assert len((await client.get("/runs/dead-letters", params={"code": "refused"})).json()["letters"]) == 3
    assert (await client.get("/runs/dead-letters", params={"code": "other"})).json()["letters"] == []
    assert (await client.get("/runs/dead-letters", params={"since": "2100-01-01T00:00:00Z"})).json()["letters"] == []
    BROKEN.discard("a")
    done = await client.post("/runs/dead-letters/replay", json={"node": "charge", "reason": "again"})
    assert done.status_code == 202
    assert sorted(each["run"] for each in done.json()["done"]) == sorted(runs)
    for each in runs:
        await anyio.to_thread.run_sync(worker.finish, each, 20)
    assert len((await client.get("/runs/dead-letters")).json()["letters"]) == 2
    done = await client.post("/runs/dead-letters/discard", json={"code": "refused"})
    assert (done.status_code, [each["verdict"] for each in done.json()["done"]]) == (200, ["ok", "ok"])
    assert (await client.get("/runs/dead-letters")).json() == {"letters": [], "cursor": None}


async def test_one_letter_is_discarded(client, run):
    """Once; its run stays FAILED."""
    BROKEN.add("a")
    made = await run("a")
    answer = await client.post(f"/runs/{made}/discard", json={"path": "charge", "reason": "a test card"})
    assert (answer.status_code, answer.json()["state"]) == (200, "FAILED")
    again = await client.post(f"/runs/{made}/discard", json={"path": "charge"})
    assert (again.status_code, again.json()["code"]) == (404, "letter-not-found")


@pytest.mark.parametrize(
    ("asked", "body", "refusal"),
    [
        ("POST /runs/RUN/replay", None, (409, "run-succeeded")),
        ("POST /runs/RUN/pause", {"reason": "x"}, (409, "run-over")),
        ("POST /runs/RUN/pause", {"reason": "x" * 501}, (422, "invalid-request")),
        ("POST /runs/RUN/pause", {"reasons": "x"}, (422, "invalid-request")),
        ("POST /runs/RUN/discard", {}, (422, "invalid-request")),
        ("POST /runs/RUN/discard", {"path": "nope"}, (404, "letter-not-found")),
        ("POST /runs/0-ffffffffffffffffffffffff/replay", None, (404, "run-not-found")),
        ("POST /runs/%2e%2e/replay", None, (404, None)),
        ("GET /runs/0-ffffffffffffffffffffffff/audit", None, (404, "run-not-found")),
        ("GET /runs/dead-letters?cursor=x", None, (400, "bad-cursor")),
        ("GET /runs/dead-letters?limit=0", None, (422, "invalid-request")),
        ("GET /runs/dead-letters?since=yesterday", None, (422, "invalid-request")),
        ("POST /runs/dead-letters/replay", {"cursor": "1.x"}, (400, "bad-cursor")),
        ("POST /runs/dead-letters/replay", [], (422, "invalid-request")),
        ("POST /runs/dead-letters/discard", {"nodes": "charge"}, (422, "invalid-request")),
        ("PUT /runs/dead-letters", None, (405, "method-not-allowed")),
    ],
)
async def test_what_is_refused(client, run, asked, body, refusal):
    """Each with a problem that says what is wrong; the run stays as it was."""
    made = await run("a")
    (method, path), (status, code) = asked.replace("RUN", made).split(), refusal
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert code in (None, answer.json()["code"])
    assert (await client.get(f"/runs/{made}")).json()["state"] == "SUCCEEDED"


async def test_others_see_and_do_nothing(client, keyring, run):
    """Another tenant's token finds neither the run nor its letter; no token, no answer."""
    BROKEN.add("a")
    made = await run("a")
    other = {"Authorization": f"Bearer {keyring['other'][0]}"}
    assert (await client.get("/runs/dead-letters", headers=other)).json()["letters"] == []
    for what in ("pause", "resume", "replay"):
        assert (await client.post(f"/runs/{made}/{what}", headers=other)).status_code == 404
    assert (await client.post("/runs/dead-letters/replay", json={}, headers=other)).json()["done"] == []
    assert (await client.get(f"/runs/{made}/audit", headers=other)).status_code == 404
    assert (await client.post("/runs/dead-letters/discard", json={}, headers={"Authorization": ""})).status_code == 401
    assert len((await client.get("/runs/dead-letters")).json()["letters"]) == 1


async def test_a_run_is_started_again(client, worker, run):
    """With the input that it had, or with a changed one: a new run, and each is named in the other's audit."""
    BROKEN.add("a")
    made = await run("a")
    BROKEN.clear()
    again = await client.post(f"/runs/{made}/again", json={"reason": "the bank is back"})
    assert (again.status_code, again.json()["created"]) == (202, True)
    other = (await client.post(f"/runs/{made}/again", json={"input": {"id": "b", "count": 2}})).json()["id"]
    for each, output in ((again.json()["id"], "a"), (other, "b")):
        await anyio.to_thread.run_sync(worker.finish, each, 20)
        shown = (await client.get(f"/runs/{each}")).json()
        assert (shown["state"], shown["output"], shown["trigger"]) == ("SUCCEEDED", {"text": output}, "again")
    entries = (await client.get(f"/runs/{made}/audit")).json()["entries"]
    assert [(entry["what"], entry["run"], entry["why"]) for entry in entries] == [
        ("again", again.json()["id"], "the bank is back"), ("again", other, ""),
    ]  # fmt: skip
    [entry] = (await client.get(f"/runs/{other}/audit")).json()["entries"]
    assert entry["of"] == made
    assert (await client.get(f"/runs/{made}")).json()["state"] == "FAILED"


async def test_again_with_a_key_is_done_once(client, run):
    """The same key leads to the same new run; with another input it is refused; of another run it is another key."""
    made, other = await run("a"), await run("a")
    headers = {"Idempotency-Key": "k"}
    first = (await client.post(f"/runs/{made}/again", headers=headers)).json()
    again = (await client.post(f"/runs/{made}/again", headers=headers)).json()
    assert again == {**first, "created": False}
    assert len((await client.get(f"/runs/{made}/audit")).json()["entries"]) == 1
    refused = await client.post(f"/runs/{made}/again", headers=headers, json={"input": {"id": "b"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert (await client.post(f"/runs/{other}/again", headers=headers)).json()["id"] != first["id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"input": {"id": 3}}, "#/input/id"),
        ({"input": None}, "#/input"),
        ({"input": {}}, "#/input/id"),
        ({"inputs": {}}, "#/inputs"),
    ],
)
async def test_again_takes_what_a_start_takes(client, run, body, pointer):
    """What the pipeline does not take is a 422 with the place, and no run is made."""
    made = await run("a")
    answer = await client.post(f"/runs/{made}/again", json=body)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer])
    assert len((await client.get("/runs")).json()["runs"]) == 1


async def test_a_cancel_is_audited(client, run):
    """Who and why; once, however often it is said."""
    made = await run("a", wait=False)
    for _ in range(2):
        await client.post(f"/runs/{made}/cancel", json={"reason": "ordered twice"})
    [entry] = (await client.get(f"/runs/{made}/audit")).json()["entries"]
    assert (entry["what"], entry["why"], entry["by"][:6]) == ("cancel", "ordered twice", "token:")
    assert (await client.post(f"/runs/{made}/replay")).json()["code"] == "run-cancelled"
