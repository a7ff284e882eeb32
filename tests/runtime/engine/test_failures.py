"""How stages fail, and what follows."""

import json
import logging
import random
import time

from saltern_runtime.engine.policy import backoff, classify
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.expr import ExprError
from saltern_runtime.graph import Connection, Context, On, Skipped, Stage, node
from saltern_runtime.nodes import http
from saltern_runtime.nodes.flow.results import NodeFailure
from saltern_runtime.observe.logs import JsonFormatter
from saltern_runtime.spec import Retry
from saltern_runtime.spec.networks import NetworkList
from saltern_runtime.store.calls import Outcome

QUICK = Retry(attempts=3, base=0.001, cap=0.002)


def failing(errors, keys=None, name="call"):
    """Make a node that raises what it is given, one error a call, then returns."""
    left = list(errors)

    def call(ctx: Context) -> str:
        if keys is not None:
            keys.append(ctx.effect_key())
        if left:
            raise left.pop(0)
        return "done"

    call.__name__ = name
    return node(name, type="http.request@1")(call)


def busy(**options):
    return TransientError("try later", code="rate-limited", status=429, **options)


def test_transient_errors_are_retried(local):
    """Two failures are waited out; the third attempt succeeds, and every attempt hands over the same effect key."""
    keys = []
    view = local.run(Stage("call", nodes=(failing([busy(), busy()], keys),), retry=QUICK))
    assert (view.state, view.nodes[0].attempt) == ("SUCCEEDED", 3)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0] == f"acme:{view.id}:call:call:1:0"


def test_exhausted_retries_fail_the_run(local):
    """After the last attempt the run fails with the last reason, and a dead letter is left."""
    view = local.run(Stage("call", nodes=(failing([busy()] * 9),), retry=QUICK))
    assert (view.state, view.failure.kind, view.failure.status) == ("FAILED", "external-transient", 429)
    assert (view.nodes[0].state, view.nodes[0].attempt, view.nodes[0].failure.node) == ("DEAD", 3, "call")
    assert local.opened[0].service.figures().dead_letters == 1


def test_permanent_errors_are_not_retried(local):
    """A 4xx fails at once."""
    error = PermanentError("no such channel", code="channel_not_found", status=404)
    view = local.run(Stage("call", nodes=(failing([error]),), retry=QUICK))
    assert (view.state, view.failure.kind, view.failure.code) == ("FAILED", "external-permanent", "channel_not_found")
    assert view.nodes[0].attempt == 1


def test_our_own_errors_are_retried_and_named(local):
    """What no connector raised is internal: retried, then shown with its type."""
    view = local.run(Stage("call", nodes=(failing([KeyError("x")] * 9),), retry=QUICK))
    assert (view.failure.kind, view.failure.message, view.nodes[0].attempt) == ("internal", "KeyError: 'x'", 3)


def written(caplog):
    """Return what a worker's log holds of failed nodes: as a terminal has it, and as JSON."""
    records = [record for record in caplog.records if "failed in attempt" in record.getMessage()]
    plain, structured = logging.Formatter("%(message)s"), JsonFormatter()
    return [plain.format(record) for record in records], [json.loads(structured.format(record)) for record in records]


def test_an_error_of_a_known_class_is_a_line_of_the_log(local, caplog):
    """It says all that there is to know: the node, the attempt, and what was wrong outside, or with what was given."""
    error = PermanentError("no such channel", code="channel_not_found")
    for each in ([busy(), busy()], [error]):
        local.run(Stage("call", nodes=(failing(each),), retry=QUICK))
    lines, structured = written(caplog)
    assert lines == [
        "node call failed in attempt 1: try later",
        "node call failed in attempt 2: try later",
        "node call failed in attempt 1: no such channel",
    ]
    assert ["exception" in each for each in structured] == [False] * 3
    assert {each["node"] for each in structured} == {"call"}


def test_an_error_of_no_known_class_is_logged_with_its_calls(local, caplog):
    """It may be our own bug: where it came up is what is looked for."""
    local.run(Stage("call", nodes=(failing([KeyError("x")]),), retry=QUICK))
    (line,), (structured,) = written(caplog)
    assert line.startswith("node call failed in attempt 1: KeyError('x')\nTraceback")
    assert "test_failures.py" in structured["exception"]


def test_debugging_shows_the_calls_of_every_error(local, caplog):
    """For whoever looks for a fault in a connector."""
    caplog.set_level(logging.DEBUG, "saltern.engine")
    local.run(Stage("call", nodes=(failing([busy()]),), retry=QUICK))
    (line,), _ = written(caplog)
    assert "Traceback" in line


def test_an_expression_without_a_value_is_not_tried_again(local):
    """The same values fail again: one attempt, and the run says what was wrong in the words of the expression."""
    view = local.run(Stage("call", nodes=(failing([ExprError("division-by-zero", "division by zero")]),), retry=QUICK))
    assert (view.failure.code, view.failure.message) == ("division-by-zero", "division by zero")
    assert view.nodes[0].attempt == 1


def test_a_missing_secret_is_permanent(local):
    """A secret that is not there is no race: it fails at once and names the variable."""

    @node("call", type="slack.post_message@1", connection="team")
    def call(ctx: Context) -> str:
        return ctx.connection.secret("token")

    team = Connection("team", connector="slack", secrets={"token": "env:SALTERN_TEST_NOT_THERE"})
    view = local.run(Stage("call", nodes=(call,), retry=QUICK), connections=(team,))
    assert (view.failure.code, view.nodes[0].attempt) == ("missing-secret", 1)
    assert "SALTERN_TEST_NOT_THERE" in view.failure.message


def test_private_networks_are_open_only_where_an_operator_says_so(local, web_double):
    """The setting reaches the nodes of a run; a service that says nothing refuses."""

    @node("ask", type="http.request@1")
    def ask(ctx: Context) -> int:
        return http.request(ctx, url=web_double.url).status

    view = local.run(Stage("ask", nodes=(ask,), retry=QUICK))
    assert (view.failure.code, view.nodes[0].attempt) == ("private-address", 1)
    assert web_double.received == []
    assert local.run(Stage("ask", nodes=(ask,)), private_networks=NetworkList("any")).state == "SUCCEEDED"


def test_a_result_over_the_limit_is_permanent(local):
    """A value that may not be stored fails the stage, and nothing of it is kept."""

    @node("call", type="set@1")
    def call() -> str:
        return "x" * 2000

    view = local.run(Stage("call", nodes=(call,), retry=QUICK), max_payload=1000)
    assert (view.failure.code, view.nodes[0].attempt) == ("result-too-large", 1)


def test_a_result_of_another_type_is_ours(local):
    """A node that returns what its annotation forbids fails instead of passing it on."""

    @node("call", type="python.call@1")
    def call() -> int:
        return {"not": "a number"}

    assert local.run(Stage("call", nodes=(call,), retry=Retry(attempts=1))).failure.kind == "internal"


def test_on_error_continue(local):
    """A failed stage is FAILED, what reads it gets SKIPPED, what hangs on it is skipped, and the run succeeds."""

    @node("route", type="if@1")
    def route(*, call: str) -> str:
        return "then"

    @node("gated", type="set@1")
    def gated() -> int:
        return 1

    @node("return", type="return@1")
    def back(*, call: str | Skipped) -> str:
        return repr(call)

    view = local.run(
        Stage("call", nodes=(failing([PermanentError("no", code="no")]), route), on_error="continue"),
        Stage("gated", nodes=(gated,), when=(On("route", "then"),)),
        Stage("return", nodes=(back,)),
    )
    assert (view.state, view.output) == ("SUCCEEDED", "SKIPPED")
    assert [each.state for each in view.nodes] == ["FAILED", "SKIPPED", "SKIPPED", "SUCCEEDED"]
    assert [each.failure is not None for each in view.nodes] == [True, False, False, False]


def test_ambiguous_errors_follow_their_policy(local):
    """A time-out after sending is retried by default, and final where the stage says so."""
    lost = busy(ambiguous=True)
    assert local.run(Stage("call", nodes=(failing([lost]),), retry=QUICK)).state == "SUCCEEDED"
    view = local.run(Stage("call", nodes=(failing([lost]),), retry=QUICK, on_ambiguous="fail"))
    assert (view.state, view.nodes[0].attempt) == ("FAILED", 1)


def test_retry_after_is_a_lower_bound():
    """Full jitter: between nothing and the doubled base under its cap; Retry-After is waited out whatever the jitter."""
    random.seed(1)
    waits = [backoff(Retry(base=1.0, cap=5.0), failures) for failures in (1, 2, 3, 4, 5) for _ in range(200)]
    for index, ceiling in enumerate((1, 2, 4, 5, 5)):
        group = waits[index * 200 : (index + 1) * 200]
        assert 0 <= min(group) < ceiling * 0.1
        assert ceiling * 0.9 < max(group) <= ceiling
    assert backoff(Retry(), 1, at_least=30.0) >= 30.0
    assert backoff(Retry(), 10_000) <= 60.0
    assert classify(busy(retry_after=7.0), "n").retry_after == 7.0


def test_a_stuck_stage_times_out(local):
    """At its hard deadline the lease thread records the time-out; what the node returns later is not recorded."""
    calls = []

    @node("call", type="set@1")
    def call() -> int:
        calls.append(1)
        time.sleep(0.6 if len(calls) == 1 else 0)
        return len(calls)

    view = local.run(Stage("call", nodes=(call,), timeout=0.2, retry=QUICK))
    assert (view.state, view.nodes[0].attempt) == ("SUCCEEDED", 2)
    types = [event.type for event in local.opened[0].service.events(view.id)]
    assert types.count("stage.retrying") == 1
    assert "stage.late" in types


def test_a_stage_that_is_always_stuck_is_timed_out(local):
    """Where no attempt is left the activation is TIMED_OUT and the run has failed."""

    @node("call", type="set@1")
    def call() -> int:
        time.sleep(0.4)
        return 1

    view = local.run(Stage("call", nodes=(call,), timeout=0.1, retry=Retry(attempts=1)))
    assert (view.state, view.failure.kind, view.nodes[0].state) == ("FAILED", "timeout", "TIMED_OUT")


def lose(local, process, run_id, times):
    """Claim and drop an activation, as a worker that is killed does, until that many were lost."""
    store = process.service.store
    for _ in range(times):
        while not process.bells.bells:
            process.sweeper.sweep()
        claim = None
        while claim is None:
            answer = store.answer(process.bells.bells.popleft(), f"n{random.random()}")
            process.bells.ring(answer.bells)
            claim = answer.claim
        if claim.lost < process.service.settings.poison:
            seconds, micros = local.client.time()
            now = seconds * 1000 + micros // 1000
            key = store.keys.shard(0)
            local.client.hset(f"{key}sweep", mapping={"last": now, "since": now - 99_000})
            local.client.zadd(f"{key}due", {f"a|{run_id}|{claim.path}": now})
            process.sweeper.sweep()


def test_a_lost_worker_is_retried_whatever_the_attempts(local):
    """Losing a worker uses up none of the stage's own retries."""
    process = local.open(Stage("call", nodes=(failing([busy()]),), retry=Retry(attempts=2, base=0.001)))
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    lose(local, process, run_id, 2)
    view = process.finish(run_id, 20)
    assert (view.state, view.nodes[0].attempt) == ("SUCCEEDED", 4)


def test_poison_goes_to_the_dead_letters(local):
    """What lost its worker k times is not run again."""
    process = local.open(Stage("call", nodes=(failing([]),)), poison=2)
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    lose(local, process, run_id, 2)
    view = process.finish(run_id, 20)
    assert (view.state, view.failure.kind, view.nodes[0].state) == ("FAILED", "poison", "DEAD")


def test_a_lost_worker_is_not_guessed_about(local):
    """on_ambiguous fail: a stage whose worker was lost may have acted, and is not run again."""
    process = local.open(Stage("call", nodes=(failing([]),), on_ambiguous="fail"))
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    lose(local, process, run_id, 1)
    view = process.finish(run_id, 20)
    assert (view.state, view.failure.code) == ("FAILED", "worker-lost")


def test_time_to_live(local):
    """A stage that nobody began in time expires, and the run fails with that reason."""
    process = local.open(Stage("call", nodes=(failing([]),), ttl=0.01))
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    time.sleep(0.05)
    process.sweeper.sweep()
    assert process.finish(run_id, 20).failure.kind == "expired"


def test_the_deadline_ends_a_run(local):
    """A run that waits for its next attempt at its deadline is TIMED_OUT."""
    long = Retry(base=3e5, cap=3e5)
    view = local.run(Stage("call", nodes=(failing([busy()]),), retry=long), deadline=0.2)
    assert (view.state, view.failure.code) == ("TIMED_OUT", "run-deadline")


def test_nobody_is_left_alone_for_a_year():
    """A Retry-After counts for an hour at most, or for what the policy itself may wait."""
    year = 365 * 86_400.0
    assert backoff(Retry(), 1, at_least=3599.0) == 3599.0
    assert backoff(Retry(), 1, at_least=year) == 3600.0
    assert backoff(Retry(cap=7200.0), 1, at_least=year) == 7200.0


def test_a_wait_beyond_the_deadline_is_not_begun(local):
    """Where the other side wants to be left alone until the run is over, the node fails at once, and what hangs on that runs."""

    @node("told", type="error@1", of="call")
    def told(*, failure: NodeFailure) -> str:
        return failure.code

    asks = Stage("call", nodes=(failing([busy(retry_after=1e9)]),), on_error="continue")
    view = local.run(asks, Stage("told", nodes=(told,), when=(On("call", "error"),)), deadline=3000.0)
    assert (view.state, view.nodes[0].attempt, view.nodes[0].failure.code) == ("SUCCEEDED", 1, "rate-limited")
    assert [each.state for each in view.nodes] == ["FAILED", "SUCCEEDED"]


def test_a_late_result_is_refused_whoever_brings_it(local):
    """An outcome of a claim that was taken back changes nothing."""
    process = local.open(Stage("call", nodes=(failing([]),)))
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    claim = process.service.store.answer(process.bells.bells.popleft(), "n").claim
    process.service.store.release(claim)
    late = process.service.store.advance(claim, Outcome("SUCCEEDED", (), {"call": json.dumps("late")}), None)
    assert late.status == "stale"
    while not process.bells.bells:
        process.sweeper.sweep()
    assert process.finish(run_id, 20).state == "SUCCEEDED"
