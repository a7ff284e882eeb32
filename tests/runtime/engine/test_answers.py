"""Answers from outside: what asks sleeps until one comes, the first one counts, and nobody waits past a deadline."""

from datetime import timedelta
from typing import Literal

import pytest

from saltern_runtime.engine import links
from saltern_runtime.errors import AnswerError
from saltern_runtime.graph import Ask, Awaits, Context, On, Opens, RunInfo, Stage, node
from saltern_runtime.models import Model
from saltern_runtime.nodes import flow
from tests.support.checker import broken


class Paid(Model):
    ok: bool
    cents: int


class Fields(Model):
    account: str
    cents: int | None = None


class Decision(Model):
    at: str
    by: str | None
    comment: str | None
    decision: Literal["approve", "reject", "drop"]
    fields: Fields | None


def asks(deadline=None, **ends):
    """Make a stage that asks a person."""

    @node("asked", type="approval@1")
    def asked(ctx: Context) -> Ask:
        return flow.approval(ctx, ask="Pay?", deadline=deadline)

    return Stage("asked", nodes=(asked,), ends=Awaits(Decision, choices=("approve", "reject"), **ends))


def receives(deadline=None):
    """Make a stage that waits for a program."""

    @node("paid", type="receive@1")
    def paid(ctx: Context) -> Ask:
        return flow.receive(ctx, deadline=deadline)

    return Stage("paid", nodes=(paid,), ends=Awaits(Paid))


@node("return", type="return@1")
def decided(*, asked: Decision) -> dict[str, object]:
    return asked.to_json()


@node("return", type="return@1")
def received(*, paid: Paid) -> int:
    return paid.cents


def waiting(process, run_id):
    """Work until the run waits for what is outside."""
    process.finish(run_id, 0)
    for _ in range(500):
        process.step()
        if process.service.reader.state(run_id) == "WAITING":
            return process.service.get(run_id, "acme")
    raise AssertionError("it does not wait")


def begun(local, *stages, **options):
    process = local.open(*stages, **options)
    return process, process.service.start(None, tenant="acme", trigger="api").run_id


def test_a_decision_ends_the_wait_and_is_the_value(local):
    """No worker is busy meanwhile; who, when, why and what was filled in are part of the value."""
    process, run_id = begun(local, asks(), Stage("return", nodes=(decided,)))
    view = waiting(process, run_id)
    (found,) = view.awaits
    assert (found.path, found.text, found.choices, found.default) == ("asked", "Pay?", ("approve", "reject"), None)
    assert found.deadline == pytest.approx(view.deadline, abs=1)
    body = {"decision": "approve", "by": "Ada", "comment": "fine", "fields": {"account": "7"}}
    assert process.service.answer(run_id, "asked", body).status == "ok"
    view = process.finish(run_id, 20)
    assert view.state == "SUCCEEDED"
    assert {**view.output, "at": ""} == {**body, "at": ""}
    assert view.awaits == ()
    assert broken(local.client, local.name) == []


def test_the_second_decision_learns_of_the_first(local):
    """While the run goes on, and once it is over."""
    process, run_id = begun(local, asks(), Stage("return", nodes=(decided,)))
    waiting(process, run_id)
    assert process.service.answer(run_id, "asked", {"decision": "reject"}).status == "ok"
    late = process.service.answer(run_id, "asked", {"decision": "approve"})
    assert (late.status, '"decision":"reject"' in late.first) == ("known", True)
    assert process.finish(run_id, 20).output["decision"] == "reject"
    assert process.service.answer(run_id, "asked", {"decision": "approve"}).status == "known"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], ""),
        ({}, "/decision"),
        ({"decision": "drop"}, "/decision"),
        ({"decision": "approve", "who": 1}, "/who"),
        ({"decision": "approve", "a/b~": 1}, "/a~1b~0"),
        ({"decision": "approve", "by": 1}, "/by"),
        ({"decision": "approve", "comment": "x" * 2001}, "/comment"),
        ({"decision": "approve", "fields": {"account": 7}}, "/fields/account"),
        ({"decision": "approve", "fields": {"account": "7", "cents": 2**63}}, "/fields/cents"),
        ({"decision": "approve", "fields": {}}, "/fields"),
        ({"decision": "approve", "fields": {"account": "7", "more": 1}}, "/fields"),
    ],
)
def test_a_decision_that_is_none_is_refused(local, body, place):
    """What it says must be a choice, with fields of their type; the run still waits."""
    process, run_id = begun(local, asks(default="drop", deadline=timedelta(seconds=50)))
    waiting(process, run_id)
    with pytest.raises(AnswerError) as refused:
        process.service.answer(run_id, "asked", body)
    assert [found for found, _ in refused.value.findings] == [place]
    assert process.service.answer(run_id, "asked", {"decision": "approve"}).status == "ok"


def test_nobody_decides_in_time(local):
    """The default is decided, by nobody."""
    view = local.run(asks(timedelta(seconds=0.1), default="drop"), Stage("return", nodes=(decided,)))
    assert (view.state, view.output["decision"], view.output["by"]) == ("SUCCEEDED", "drop", None)


def test_no_program_calls_in_time(local):
    """Without a decision to fall back on, the node fails once and for all."""
    view = local.run(receives(timedelta(seconds=0.1)), Stage("return", nodes=(received,)))
    assert (view.state, view.failure.code, view.failure.node) == ("FAILED", "no-answer", "paid")
    assert view.nodes[0].attempt == 1


def test_what_comes_early_is_kept_and_what_comes_twice_is_one(local):
    """A program may call before the run waits for it; the first call counts."""
    process, run_id = begun(local, receives(), Stage("return", nodes=(received,)))
    assert process.service.answer(run_id, "paid", {"ok": True, "cents": 5}).status == "ok"
    assert process.service.answer(run_id, "paid", {"ok": True, "cents": 6}).status == "known"
    assert process.finish(run_id, 20).output == 5
    assert broken(local.client, local.name) == []


def test_a_decision_is_not_made_before_it_is_asked_for(local):
    """Nor of what takes no answer, nor of another run."""
    process, run_id = begun(local, asks(), Stage("return", nodes=(decided,)))
    assert process.service.answer(run_id, "asked", {"decision": "approve"}).status == "unasked"
    assert process.service.answer(run_id, "return", 1).status == "missing"
    assert process.service.answer("0-" + "0" * 24, "asked", 1).status == "missing"


def test_an_answer_that_comes_too_late_says_so(local):
    """The deadline has passed, or the run is over: nothing is kept that no one will read."""
    process, run_id = begun(local, receives(timedelta(seconds=0.05)))
    assert process.finish(run_id, 20).state == "FAILED"
    assert process.service.answer(run_id, "paid", {"ok": True, "cents": 5}).status == "late"
    assert local.client.hkeys(process.service.store.keys.run(run_id, ":vals")) == [""]


def test_a_sent_again_answer_is_the_same_answer(local):
    """The store tells a call that it knows from a second one, by its nonce."""
    process, run_id = begun(local, receives())
    waiting(process, run_id)
    given = (run_id, "paid", '{"ok":true,"cents":1}', "ab12")
    statuses = [process.service.store.signal(*given, early=True, keep=60).status for _ in range(2)]
    assert statuses == ["ok", "ok"]
    other = process.service.store.signal(run_id, "paid", "{}", "cd34", early=True, keep=60)
    assert (other.status, other.first) == ("known", '{"ok":true,"cents":1}')


def test_each_item_waits_at_an_address_of_its_own(local):
    """An answer for an item that has not begun is kept; one for an item that is over, or will never be, is not."""
    urls = {}

    @node("all", type="foreach@1")
    def all_() -> list[int]:
        return [0, 1, 2]

    @node("all/tell", type="set@1")
    def tell(*, run: RunInfo, item: int) -> int:
        urls[item] = run.callback("all/paid")
        return item

    @node("all/paid", type="receive@1")
    def paid(ctx: Context) -> Ask:
        return flow.receive(ctx)

    @node("all/yield", type="yield@1")
    def all_yield(*, tell: int, paid: Paid) -> int:
        return tell * 100 + paid.cents

    body = (
        Stage("all/tell", nodes=(tell,)),
        Stage("all/paid", nodes=(paid,), ends=Awaits(Paid)),
        Stage("all/yield", nodes=(all_yield,)),
    )
    opens = Opens("item", body, result="all/yield", at_most=1)

    @node("return", type="return@1")
    def return_(*, all_: list[int]) -> list[int]:
        return all_

    process, run_id = begun(
        local, Stage("all", nodes=(all_,), ends=opens), Stage("return", nodes=(return_,)), public_url="http://x/y/"
    )
    answer = process.service.answer
    assert answer(run_id, "all[2]/paid", {"ok": True, "cents": 7}).status == "ok"
    view = waiting(process, run_id)
    assert [found.path for found in view.awaits] == ["all[0]/paid"]
    assert urls[0].startswith("http://x/y/answers/")
    link, mac = links.read(urls[0].rpartition("/")[2])
    assert (link.run, link.path) == (run_id, "all[0]/paid")
    assert links.verified(link, mac, process.service.store.signing_key(0))
    assert answer(run_id, "all[0]/paid", {"ok": True, "cents": 5}).status == "ok"
    waiting(process, run_id)
    assert answer(run_id, "all[0]/paid", {"ok": True, "cents": 9}).status == "late"
    assert answer(run_id, "all[1]/paid", {"ok": True, "cents": 6}).status == "ok"
    view = process.finish(run_id, 20)
    assert view.output == [5, 106, 207]
    assert broken(local.client, local.name) == []
    left = local.client.hkeys(process.service.store.keys.run(run_id, ":vals"))
    assert [name for name in left if name.endswith("?")] == []


def test_a_link_needs_an_address_of_the_service(local):
    """Without one the node that hands it out fails for good, and says what to set."""

    @node("tell", type="set@1")
    def tell(*, run: RunInfo) -> str:
        return run.callback("paid")

    view = local.run(Stage("tell", nodes=(tell,)), receives())
    assert (view.failure.code, "SALTERN_PUBLIC_URL" in view.failure.message) == ("no-public-url", True)


@pytest.mark.parametrize("token", ["", "x", "a" * 60, "é", "AAAA" * 20, "-_-_" * 9])
def test_what_is_no_link_is_read_as_none(token):
    """Nothing that comes to the door raises."""
    assert links.read(token) is None


def test_a_link_of_another_key_or_with_another_end_is_not_verified():
    """Each part of a link is signed."""
    link = links.Link("0-" + "a" * 24, "asked", 2_000_000_000)
    found, mac = links.read(link.signed(b"k" * 32))
    assert links.verified(found, mac, b"k" * 32)
    assert not links.verified(found, mac, b"l" * 32)
    for other in (links.Link(link.run, "asked", 2_000_000_001), links.Link(link.run, "paid", link.until)):
        assert not links.verified(other, mac, b"k" * 32)


def test_a_failure_of_the_wait_takes_its_branch(local):
    """What nobody answers can be handled as any failure."""

    @node("late", type="error@1", of="paid")
    def late(*, failure: dict[str, object]) -> dict[str, object]:
        return failure

    @node("return", type="return@1")
    def return_(*, late: dict[str, object]) -> object:
        return late["code"]

    stage = receives(timedelta(seconds=0.05))
    fallible = Stage("paid", nodes=stage.nodes, ends=stage.ends, on_error="continue")
    view = local.run(
        fallible, Stage("late", nodes=(late,), when=(On("paid", "error"),)), Stage("return", nodes=(return_,))
    )
    assert (view.state, view.output) == ("SUCCEEDED", "no-answer")
