"""Traces of runs over the real engine, with OpenTelemetry's SDK: what each span hangs on, whatever becomes of its run."""

import base64
import threading
from typing import Annotated

import pytest
from pydantic import Field
from starlette.requests import Request

from saltern_runtime import Starts
from saltern_runtime.engine.operating import By
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Stage, node
from saltern_runtime.models import Model
from saltern_runtime.observe import tracing
from saltern_runtime.observe.tracecontext import Trace, read, run_span
from saltern_runtime.spec import Retry
from saltern_runtime.spec.keyring import NO_KEYS, Keyring
from saltern_runtime.web.traced import traced
from tests.runtime.engine.conftest import make_graph
from tests.runtime.engine.test_failures import busy, failing
from tests.support.checker import broken

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.trace import StatusCode

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"


class Given(Model):
    """What is not for everyone's eyes."""

    pin: Annotated[str, Field(json_schema_extra={"x-saltern-secret": True})]


@node("greet", type="template@1")
def greet(*, input: int) -> str:  # noqa: A002 - as generated code has it
    return f"hello {input}"


def served(process, given=1, sent=None, *, is_trusted=True):
    """Start a run as a request does that comes with a trace."""
    with tracing.serving("POST /runs", sent, {}, is_trusted=is_trusted, began=1):
        return process.service.start(given, tenant="acme", trigger="api").run_id


def test_a_run_that_nobody_asked_for_is_the_root_of_a_trace(local, spans):
    """Its span has no parent, and lasts from its start to its end."""
    view = local.run(Stage("greet", nodes=(greet,)))
    (run,), (stage,) = spans("run"), spans("stage greet")
    assert (run.parent, run.context.span_id) == (None, run_span(view.id))
    assert (stage.parent.span_id, stage.context.trace_id) == (run.context.span_id, run.context.trace_id)
    assert [run.start_time // 1_000_000, run.end_time // 1_000_000] == [
        round(view.created_at * 1000),
        round(view.ended_at * 1000),
    ]


@pytest.mark.parametrize(("method", "emitted"), [("GET", 0), ("HEAD", 0), ("POST", 1)])
def test_who_only_looks_is_not_traced(spans, method, emitted):
    """Whatever trace it comes with; and of a caller's headers, neither `tracestate` nor `baggage` goes on to whoever is called."""
    headers = [(b"traceparent", (CALLER + "1").encode()), (b"tracestate", b"vendor=x"), (b"baggage", b"user=ann")]
    request = Request({"type": "http", "method": method, "scheme": "http", "path": "/runs", "server": ("h", 80), "headers": headers})  # fmt: skip
    with traced(request, "/runs", is_trusted=True, began=1), tracing.calling("GET", {}) as call:
        sent = call.headers()
    assert len(spans(f"{method} /runs")) == emitted
    assert set(sent) == {"traceparent"}


@pytest.mark.parametrize(("flags", "emitted"), [("1", 1), ("0", 0)])
def test_who_asks_decides_what_is_sampled(local, spans, flags, emitted):
    """A trusted request's trace goes on as it is: all of it is recorded, or nothing."""
    process = local.open(Stage("greet", nodes=(greet,)))
    process.finish(served(process, sent=CALLER + flags), 20)
    assert [len(spans(name)) for name in ("POST /runs", "run", "stage greet", "node greet")] == [emitted] * 4


def test_who_is_not_trusted_decides_nothing(local, spans):
    """What is not sampled elsewhere is recorded here all the same, in a trace of its own."""
    process = local.open(Stage("greet", nodes=(greet,)))
    process.finish(served(process, sent=CALLER + "0", is_trusted=False), 20)
    (run,) = spans("run")
    assert f"{run.context.trace_id:032x}" != CALLER.split("-")[1]


@pytest.mark.parametrize("keys", [NO_KEYS, Keyring(f"a:{base64.b64encode(bytes(32)).decode()}")])
def test_a_failed_run_says_why_without_what_is_secret(local, spans, keys):
    """Its span, those of its attempt and its node have the failure's code, and the message that the run shows, sealed in the store or not."""

    @node("call", type="http.request@1")
    def call(ctx: Context, *, input: Given) -> str:  # noqa: A002 - as generated code has it
        raise PermanentError(f"{input.pin} is wrong", code="refused")

    local.run(Stage("call", nodes=(call,)), given={"pin": "p1n-of-theirs"}, encryption_keys=keys)
    for name in ("run", "stage call", "node call"):
        (span,) = spans(name)
        assert span.attributes["error.type"] == "refused", name
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "[secret] is wrong"), name


def test_each_attempt_is_a_span_and_a_retry_an_event(local, spans):
    """The last one that is made again no more has none."""
    local.run(Stage("call", nodes=(failing([busy()] * 9),), retry=Retry(attempts=2, base=0.001, cap=0.002)))
    first, second = spans("stage call")
    assert [each.attributes["saltern.attempt"] for each in (first, second)] == [1, 2]
    assert [[event.name for event in each.events] for each in (first, second)] == [["retry"], []]


def test_an_attempt_that_is_stuck_is_emitted_before_its_process_ends(local, spans):
    """By the lease thread, with the time-out and the retry, while the node still hangs."""
    ended, seen = threading.Event(), []

    @node("call", type="set@1")
    def call() -> bool:
        return ended.wait(20)

    process = local.open(Stage("call", nodes=(call,), timeout=0.2, retry=Retry(attempts=2, base=0.001, cap=0.002)))

    def end():
        seen.extend((*spans("stage call"), *spans("node call")))
        ended.set()

    process.engine.leases.end_process = end
    process.finish(served(process), 20)
    stage, stuck = seen[:2]
    assert [each.attributes["error.type"] for each in (stage, stuck)] == ["stage-timeout"] * 2
    assert [event.name for event in stage.events] == ["retry"]


def test_a_cancelled_run_has_its_span(local, spans):
    """Whoever cancels it emits that."""
    process = local.open(Stage("greet", nodes=(greet,)))
    run_id = served(process)
    process.service.cancel(run_id, "acme")
    (run,) = spans("run")
    assert (run.attributes["saltern.state"], run.attributes["error.type"]) == ("CANCELLED", "cancelled")
    assert broken(local.client, local.name) == []


def test_a_replay_is_a_span_below_the_first_one(local, spans):
    """It has an id of its own, and says how often its run was replayed."""
    process = local.open(Stage("call", nodes=(failing([PermanentError("no", code="refused")]),)))
    run_id = served(process)
    assert process.finish(run_id, 20).state == "FAILED"
    process.service.operator.replay(run_id, "acme", By("token:1", "mended"))
    assert process.finish(run_id, 20).state == "SUCCEEDED"
    first, again = spans("run")
    assert (again.parent.span_id, again.attributes["saltern.replays"]) == (first.context.span_id, 1)
    assert again.start_time >= first.end_time


def test_a_run_that_another_one_starts_is_below_the_node(local, spans):
    """It is of the same trace."""
    child = make_graph("child", Stage("greet", nodes=(greet,)))

    @node("begin", type="start.child@1")
    def begin(*, input: int) -> int:  # noqa: A002 - as generated code has it
        return input

    process = local.open(Stage("begin", nodes=(begin,), ends=Starts(child)))
    view = process.finish(served(process), 20)
    others = [run for run in process.service.list("acme").runs if run.parent == view.id]
    process.finish(others[0].id, 20)
    (inner,), (maker,) = spans("run child"), spans("node begin")
    assert (inner.parent.span_id, inner.context.trace_id) == (maker.context.span_id, maker.context.trace_id)


def test_a_trace_costs_a_run_no_call_more(local, spans):
    """The store is asked as often for a traced stage as for one without a trace: one field is kept at the start, and read with the others."""
    process = local.open(Stage("greet", nodes=(greet,)))
    process.service.prepare()
    costs = []
    for trace in ("", str(Trace(1))):
        new = process.service.new_run(f"0-{len(trace):024x}", "1", "b", tenant="acme", trigger="api")
        object.__setattr__(new, "trace", trace)
        bells = process.service.store.create(new).bells
        local.client.config_resetstat()
        process.engine.answer(bells[0])
        stats = local.client.info("commandstats")
        costs.append({name: each["calls"] for name, each in stats.items() if "config" not in name})
    traced, plain = costs[1], costs[0]
    assert {name: traced[name] - plain.get(name, 0) for name in traced if traced[name] != plain.get(name)} == {
        "cmdstat_hmget": 1  # once a run, at its end
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00-" + "a" * 32 + "-" + "b" * 16 + "-01", Trace(int("a" * 32, 16), int("b" * 16, 16), True)),
        ("00-" + "a" * 32 + "-" + "b" * 16 + "-00", Trace(int("a" * 32, 16), int("b" * 16, 16), False)),
        ("cc-" + "a" * 32 + "-" + "b" * 16 + "-01-more", Trace(int("a" * 32, 16), int("b" * 16, 16), True)),
        ("00-" + "a" * 32 + "-" + "b" * 16 + "-01-more", None),
        ("ff-" + "a" * 32 + "-" + "b" * 16 + "-01", None),
        ("00-" + "0" * 32 + "-" + "b" * 16 + "-01", None),
        ("00-" + "A" * 32 + "-" + "b" * 16 + "-01", None),
        ("00-" + "a" * 32 + "-" + "b" * 16 + "-01\n", None),
        ("00", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_traceparent_is(text, expected):
    """As the W3C has it: versions to come are read as far as they are known, what is malformed counts as nothing."""
    assert read(text) == expected
