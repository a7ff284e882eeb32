"""Answers from outside over HTTP: by links, with a token, as a page; to a run of the real engine in this process."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import httpx
import pytest
from fastapi import Response

from saltern_runtime import Ask, Awaits, Context, RunInfo, Stage, node
from saltern_runtime.engine.links import Link
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.models import Model
from saltern_runtime.nodes import flow
from saltern_runtime.web import PipelineRouter, Start, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.graphs import graph_of
from tests.support.web import Input

pytestmark = pytest.mark.anyio
HANDED_OUT = {}


class Paid(Model):
    ok: bool


class Decision(Model):
    at: str
    by: str | None
    comment: str | None
    decision: Literal["approve", "reject"]


class Output(Model):
    said: list[object]


@node("tell", type="set@1")
def tell(*, run: RunInfo) -> str:
    HANDED_OUT[run.id] = run.callback("paid")
    return ""


@node("asked", type="approval@1")
def asked(ctx: Context, *, input: Input) -> Ask:  # noqa: A002 - the name that generated functions use
    return flow.approval(ctx, ask=f"Pay <b>{input.id}</b>?")


@node("paid", type="receive@1")
def paid(ctx: Context) -> Ask:
    return flow.receive(ctx, deadline=timedelta(seconds=50))


@node("return", type="return@1")
def return_(*, asked: Decision, paid: Paid) -> Output:
    return Output(said=[asked.decision, asked.by, paid.ok])


@pytest.fixture(scope="module")
def graph():
    stages = (
        Stage("tell", nodes=(tell,)),
        Stage("asked", nodes=(asked,), ends=Awaits(Decision, choices=("approve", "reject"))),
        Stage("paid", nodes=(paid,), ends=Awaits(Paid)),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(f"t{uuid.uuid4().hex[:10]}", *stages, deadline=60.0)


@pytest.fixture
def worker(graph, settings, redis_url):
    with in_one_process(graph, redis_url=redis_url, settings=replace(settings, public_url="http://service/")) as opened:
        yield opened


@pytest.fixture(scope="module")
def app(graph, settings):
    router = PipelineRouter(graph, output=Output)

    @router.start("/runs")
    async def start_run(body: Input, start: Start) -> Response:
        return await start(body)

    return build_app(router, settings)


@pytest.fixture
def served(app, graph, settings, worker):
    app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(settings.api_tokens))}
    return app


@pytest.fixture
async def client(served, connect):
    async with connect(served) as made:
        yield made


@pytest.fixture
async def stranger(served):
    """Make a client without a token: whoever holds a link."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://service") as made:
        yield made


async def start(client, worker):
    """Start a run and let it come to where it waits."""
    url = (await client.post("/runs", json={"id": "7"})).json()["url"]
    for _ in range(400):
        worker.step()
        run = (await client.get(url)).json()
        if len(run["awaits"]) == 2:
            return url, run
    raise AssertionError(run)


async def test_a_link_shows_what_is_asked_and_takes_the_decision(client, stranger, worker):
    """Looking decides nothing; the decision is one POST; who comes later is told of it."""
    url, run = await start(client, worker)
    found = run["awaits"][0]
    assert (found["path"], found["text"], found["choices"]) == ("asked", "Pay <b>7</b>?", ["approve", "reject"])
    page = await stranger.get(found["url"], headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<b>" not in page.text
    seen = (await stranger.get(found["url"])).json()
    assert (seen["text"], seen["decision"]) == ("Pay <b>7</b>?", None)
    taken = await stranger.post(found["url"], json={"decision": "approve", "by": "Ada"})
    assert (taken.status_code, taken.json()) == (202, {"created": True})
    again = await stranger.post(found["url"], json={"decision": "reject"})
    assert (again.status_code, again.json()["code"], again.json()["first"]["decision"]) == (
        409,
        "decided-already",
        "approve",
    )
    assert (await stranger.get(found["url"])).json()["decision"]["by"] == "Ada"
    called = HANDED_OUT[run["id"]]
    assert (await stranger.post(called, json={"ok": True})).status_code == 202
    assert (await stranger.post(called, json={"ok": False})).json() == {"created": False}
    worker.finish(run["id"], 20)
    assert (await client.get(url)).json()["output"] == {"said": ["approve", "Ada", True]}


async def test_a_token_decides_over_the_api(client, worker):
    """The path says which; another tenant sees no run."""
    url, _ = await start(client, worker)
    answer = await client.post(f"{url}/answers", json={"path": "asked", "answer": {"decision": "reject"}})
    assert (answer.status_code, answer.json()) == (202, {"created": True})
    answer = await client.post(f"{url}/answers", json={"path": "nothing", "answer": 1})
    assert (answer.status_code, answer.json()["code"]) == (410, "not-awaited")


async def test_another_tenant_decides_nothing(client, served, connect, worker):
    """A token answers for the runs of its tenant."""
    url, _ = await start(client, worker)
    async with connect(served, "other") as other:
        answer = await other.post(f"{url}/answers", json={"path": "asked", "answer": {"decision": "reject"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "run-not-found")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", (400, "malformed-json", None)),
        (b'{"ok": 1}', (422, "answer-refused", "#/ok")),
        (b"{}", (422, "answer-refused", "#")),
        (b'{"ok": true, "more": 1}', (422, "answer-refused", "#")),
        (b"[" * 100 + b"]" * 100, (400, "nested-too-deeply", None)),
        (b'"' + b"x" * 9000 + b'"', (413, "body-too-large", None)),
    ],
)
async def test_a_call_that_is_not_of_the_type_is_a_problem(client, stranger, worker, body, said):
    """And the run still waits for the right one."""
    _, run = await start(client, worker)
    url = HANDED_OUT[run["id"]]
    answer = await stranger.post(url, content=body, headers={"Content-Type": "application/json"})
    problem = answer.json()
    pointer = problem["errors"][0]["pointer"] if "errors" in problem else None
    assert (answer.status_code, problem["code"], pointer) == said
    assert (await stranger.post(url, json={"ok": True})).status_code == 202


async def test_a_call_that_says_it_is_no_json_is_refused(client, stranger, worker):
    """As everywhere in the API."""
    _, run = await start(client, worker)
    answer = await stranger.post(HANDED_OUT[run["id"]], content=b"ok=1", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_links_that_lead_nowhere(client, stranger, worker):
    """A changed link, one of another service, one that has expired, one to a run that is gone."""
    _, run = await start(client, worker)
    url = run["awaits"][0]["url"]
    token = url.rpartition("/")[2]
    key = worker.service.store.signing_key(0)
    assert (await stranger.get(url[:-1] + ("A" if url[-1] != "A" else "B"))).status_code == 404
    assert (await stranger.get("/answers/abc")).status_code == 404
    foreign = Link(run["id"], "asked", 2_000_000_000).signed(b"x" * 32)
    assert (await stranger.post(f"/answers/{foreign}", json={"decision": "approve"})).status_code == 404
    old = Link(run["id"], "asked", 1_000_000_000).signed(key)
    assert (await stranger.post(f"/answers/{old}", json={"decision": "approve"})).json()["code"] == "link-expired"
    gone = Link("0-" + "0" * 24, "asked", 2_000_000_000).signed(key)
    assert (await stranger.post(f"/answers/{gone}", json={"decision": "approve"})).json()["code"] == "not-awaited"
    far = Link("9-" + "0" * 24, "asked", 2_000_000_000).signed(key)
    assert (await stranger.get(f"/answers/{far}")).status_code == 404
    assert (await stranger.post(f"/answers/{token}", json={"decision": "approve"})).status_code == 202


async def test_a_decision_comes_too_late_for_a_run_that_is_over(client, stranger, worker):
    """The link still leads to the run, which waits for nothing any more."""
    url, run = await start(client, worker)
    await client.post(f"{url}/cancel")
    answer = await stranger.post(run["awaits"][0]["url"], json={"decision": "approve"})
    assert (answer.status_code, answer.json()["code"]) == (410, "not-awaited")
    assert (await client.get(url)).json()["awaits"] == []
