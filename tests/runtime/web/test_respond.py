"""A webhook that its run answers, by the real engine in this process."""

import os
import threading
import uuid
from functools import cache
from typing import Any

import pytest
from fastapi import Response

from saltern_runtime import Context, Responds, Retry, Stage, node
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.nodes import flow
from saltern_runtime.nodes.flow.results import HttpAnswer
from saltern_runtime.settings import Settings
from saltern_runtime.web import Delivery, PipelineRouter, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.graphs import graph_of
from tests.support.web import Input, Output
from tests.support.working import working

pytestmark = pytest.mark.anyio
ANSWERED = threading.Event()
"""Whoever asked has been answered."""
SAYS: dict[str, dict[str, Any]] = {}


class SlowError(Exception):
    """What ends the node that comes after."""


@node("say", type="respond@1")
def say(ctx: Context, *, input: Input) -> HttpAnswer:  # noqa: A002 - the name that generated functions use
    return flow.respond(ctx, **SAYS[input.id])


@node("return", type="return@1")
def return_(*, input: Input) -> Output:  # noqa: A002 - the name that generated functions use
    if input.id == "silent failure":
        raise SlowError
    if input.id == "slow":
        assert ANSWERED.wait(20)
    return Output(text=input.id)


@cache
def waiting(*, responds):
    """Make a webhook that waits a second for its run, whose run responds or does not."""
    stages = (Stage("return", nodes=(return_,), retry=Retry(attempts=1)),)
    if responds:
        stages = (Stage("say", nodes=(say,), ends=Responds(), retry=Retry(attempts=1)), *stages)
    graph = graph_of(f"t{uuid.uuid4().hex[:10]}", *stages)
    router = PipelineRouter(graph, output=Output)

    @router.webhook("/hook", respond=1.0)
    async def hook(body: Input, deliver: Delivery) -> Response:
        return await deliver(body)

    return graph, build_app(router, Settings())


@pytest.fixture
async def post(request, settings, redis_url, connect):
    """Send deliveries to a webhook that waits a second, while a worker works."""
    graph, app = waiting(responds=getattr(request, "param", True))
    with in_one_process(graph, redis_url=redis_url, settings=settings) as worker:
        app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(settings.api_tokens))}
        with working(worker):
            async with connect(app) as client:

                async def send(name, **headers):
                    return await client.post("/hook", json={"id": name}, headers=headers)

                yield send


async def test_the_run_answers_with_status_headers_and_body(post):
    """As JSON; the run is to be seen at the Location."""
    SAYS["a"] = {"status": 201, "headers": {"X-Why": "so"}, "body": {"n": [1, None]}}
    answer = await post("a")
    assert (answer.status_code, answer.json(), answer.headers["x-why"]) == (201, {"n": [1, None]}, "so")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"].startswith("/runs/")


@pytest.mark.parametrize(
    ("says", "sent", "kind"),
    [
        ({"headers": {"Content-Type": "text/html"}, "body": "<p>é"}, "<p>é".encode(), "text/html"),
        ({"headers": {"content-type": "application/problem+json"}, "body": "x"}, b'"x"', "application/problem+json"),
        ({"body": "x"}, b'"x"', "application/json"),
        ({"status": 204}, b"", None),
    ],
)
async def test_a_text_goes_out_as_its_media_type_says(post, says, sent, kind):
    """JSON unless it is said to be something else; nothing where nothing is said."""
    SAYS["b"] = says
    answer = await post("b")
    assert (answer.content, answer.headers.get("content-type")) == (sent, kind)


@pytest.mark.parametrize(
    "says", [{"status": 100}, {"headers": {"Content-Length": "1"}}, {"headers": {"X": "a\r\nY: b"}}]
)
async def test_an_answer_that_http_has_not_fails_the_run(post, says):
    """Nothing of it gets out; whoever asked hears that the run failed."""
    SAYS["c"] = says
    answer = await post("c")
    assert (answer.status_code, answer.json()["code"]) == (500, "run-failed")


@pytest.mark.parametrize("post", [False], indirect=True)
async def test_a_run_that_does_not_respond_answers_with_its_output(post):
    """A failure is a 500 without details; what takes too long is a 202 as ever."""
    answer = await post("fine")
    assert (answer.status_code, answer.json()) == (200, {"text": "fine"})
    answer = await post("silent failure")
    assert (answer.status_code, answer.json()["code"]) == (500, "run-failed")
    ANSWERED.clear()
    answer = await post("slow")
    ANSWERED.set()
    assert (answer.status_code, set(answer.json())) == (202, {"id", "created", "url"})


async def test_a_repeated_delivery_gets_the_first_answer(post):
    """The key names the run, and the run has its answer."""
    SAYS["d"] = {"body": os.urandom(4).hex()}
    first = await post("d", **{"Idempotency-Key": "k"})
    SAYS["d"] = {"body": "another"}
    again = await post("d", **{"Idempotency-Key": "k"})
    assert (again.status_code, again.json(), again.headers["location"]) == (
        200,
        first.json(),
        first.headers["location"],
    )
