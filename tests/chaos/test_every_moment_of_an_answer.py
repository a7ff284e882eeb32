"""SIGKILL before and after every script call of a run that asks a person, waits for a program that calls early, and responds."""

from typing import Literal

from saltern_runtime.graph import Ask, Awaits, Context, Responds, Stage, node
from saltern_runtime.models import Model
from saltern_runtime.nodes import flow
from saltern_runtime.nodes.flow.results import HttpAnswer
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


class Decision(Model):
    at: str
    by: str | None
    comment: str | None
    decision: Literal["yes", "no"]


@node("asked", type="approval@1")
def asked(ctx: Context) -> Ask:
    return flow.approval(ctx, ask="Now?")


@node("paid", type="receive@1")
def paid(ctx: Context, *, asked: Decision) -> Ask:
    return flow.receive(ctx)


@node("say", type="respond@1")
def say(ctx: Context, *, asked: Decision) -> HttpAnswer:
    return flow.respond(ctx, body=asked.decision)


@node("return", type="return@1")
def return_(*, asked: Decision, paid: int) -> list[object]:
    return [asked.decision, paid]


def make_graph(name):
    stages = (
        Stage("asked", nodes=(asked,), ends=Awaits(Decision, choices=("yes", "no"))),
        Stage("paid", nodes=(paid,), ends=Awaits(int)),
        Stage("say", nodes=(say,), ends=Responds()),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


def until_asked(process, run_id):
    while not any(found.path == "asked" for found in process.service.get(run_id, "acme").awaits):
        process.step()


def test_killed_everywhere_around_answers(here):
    """Wherever a worker dies, or who answers does, an answer that was taken counts once, and the run goes on with it."""
    rescuer = here("chaos_answer", make_graph("chaos_answer"), lease=0.12, sweep=0.02)

    def answers(process, run_id):
        process.service.answer(run_id, "paid", 7)
        until_asked(process, run_id)
        process.service.answer(run_id, "asked", {"decision": "yes"})

    for moment, run_id in enumerate(each_death(rescuer, meanwhile=answers, more_than=12), 1):
        assert rescuer.service.answer(run_id, "paid", 8).status in ("ok", "known")  # whoever got no reply sends again
        if rescuer.service.awaited(run_id, "asked").answer is None:
            until_asked(rescuer, run_id)
            assert rescuer.service.answer(run_id, "asked", {"decision": "yes"}).status == "ok"
        view = rescuer.finish(run_id, 20)
        came_first = 8 if moment == 1 else 7  # at the first moment the call was not sent yet
        assert (view.state, view.output) == ("SUCCEEDED", ["yes", came_first])
        assert '"body":"yes"' in rescuer.service.response(run_id, 0)[0]
