"""What the store's scripts do of a case by themselves: bells are answered and stages ended in a loop, without nodes or a broker."""

from __future__ import annotations

from threading import Barrier

from bench.cases import CASES
from bench.runtime_peers.ours import graph_of
from saltern_runtime.engine.dispatch import InProcess
from saltern_runtime.engine.service import Service
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Outcome
from saltern_runtime.store.keys import new_nonce

PREFIX = "scripts"


def turn(name: str, runs: int, gate: Barrier) -> None:
    """Take so many runs of a case through the store, between the gate's two openings."""
    bells = InProcess()
    service = Service(graph_of(CASES[name], PREFIX), Settings.from_env(), dispatcher=bells)
    gate.wait(60)
    for _ in range(runs):
        service.start(0, tenant="bench", trigger="api")
        through(service, bells)
    gate.wait(300)
    service.close()


def through(service: Service, bells: InProcess) -> None:
    """Answer bells and end stages until nothing is to do."""
    while bells.bells:
        answer = service.store.answer(bells.bells.popleft(), new_nonce())
        bells.ring(answer.bells)
        while answer.claim is not None:
            plan = service.plans.of(answer.claim.path)
            values = {each.id: "1" for each in plan.stage.nodes}
            answer = service.store.advance(answer.claim, Outcome("SUCCEEDED", plan.dependants({}), values), new_nonce())
            bells.ring(answer.bells)
