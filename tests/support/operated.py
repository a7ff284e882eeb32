"""A service to operate: orders that fail for good where they are told to, its API at a real address, its worker in this process."""

import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from fastapi import Response

from saltern_runtime.engine.one_process import InOneProcess, in_one_process
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Ask, Awaits, Context, Stage, node
from saltern_runtime.models import Model
from saltern_runtime.nodes import flow
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Retry
from saltern_runtime.web import Delivery, PipelineRouter, Start, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.graphs import graph_of
from tests.support.listening import listening
from tests.support.working import working

TENANT = "acme"


class Input(Model):
    """An order."""

    id: str


class Output(Model):
    """What became of it."""

    charged: str


class Decision(Model):
    """What a person says of it."""

    at: str
    by: str | None
    comment: str | None
    decision: Literal["approve", "reject"]


class World:
    """What the outside is like: what fails, and what was called how often with which key."""

    def __init__(self) -> None:
        self.fails: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.order: list[str] = []
        self.keys: dict[str, set[str]] = {}
        self.before: Callable[[str], None] = lambda name: None

    def call(self, ctx: Context, name: str) -> str:
        """Be called by a node: what fails fails for good."""
        self.calls[name] += 1
        self.order.append(name)
        self.keys.setdefault(name, set()).add(ctx.effect_key())
        self.before(name)
        if name in self.fails:
            raise PermanentError("not today", code="refused")
        return name.upper()


def chain(world):
    """Make stages that call the world: `second` reads `first`, and `beside` hangs on neither."""

    @node("first", type="http.request@1")
    def first(ctx: Context) -> str:
        return world.call(ctx, "first")

    @node("second", type="http.request@1")
    def second(ctx: Context, *, first: str) -> str:
        return world.call(ctx, "second") + first

    @node("beside", type="http.request@1")
    def beside(ctx: Context) -> str:
        return world.call(ctx, "beside")

    @node("return", type="return@1")
    def return_(*, second: str, beside: str) -> str:
        return second + beside

    stages = [Stage(each.id, nodes=(each,), retry=Retry(attempts=2, base=0.001)) for each in (first, second, beside)]
    return (*stages, Stage("return", nodes=(return_,)))


@dataclass
class Operated:
    """A service, and the world it lives in."""

    worker: InOneProcess
    url: str = ""
    token: str = ""
    app: object = None
    broken: dict[str, str] = field(default_factory=lambda: {"bad": "no such\x1b[31m card"})
    """Orders with one of these words in their id fail for good, with that message."""

    def started(self, *ids):
        """Start runs and work until all are over, or wait; returns their ids."""
        runs = [self.worker.service.start({"id": each}, tenant=TENANT, trigger="api").run_id for each in ids]
        for run in runs:
            self.worker.finish(run, 20)
        return runs

    def finish(self, run):
        """Work until a run is over."""
        return self.worker.finish(run, 20)

    def working(self):
        """Work beside what is done meanwhile."""
        return working(self.worker)

    def state(self, run):
        """Return the state of a run."""
        return self.worker.service.reader.state(run)


def _stages(world, *, asks):
    @node("charge", type="http.request@1")
    def charge(ctx: Context, *, input: Input) -> str:  # noqa: A002 - the name that generated functions use
        for word, why in world().broken.items():
            if word in input.id:
                raise PermanentError(why, code="refused", status=402)
        return input.id.upper()

    @node("asked", type="approval@1")
    def asked(ctx: Context, *, input: Input) -> Ask:  # noqa: A002 - the name that generated functions use
        return flow.approval(ctx, ask=f"Pay {input.id}?")

    @node("return", type="return@1")
    def return_(*, charge: str) -> Output:
        return Output(charged=charge)

    @node("return", type="return@1")
    def decided(*, charge: str, asked: Decision) -> Output:
        return Output(charged=f"{charge} {asked.decision} {asked.comment}")

    charged = Stage("charge", nodes=(charge,), retry=Retry(attempts=1))
    if not asks:
        return charged, Stage("return", nodes=(return_,))
    awaits = Awaits(Decision, choices=("approve", "reject"))
    return charged, Stage("asked", nodes=(asked,), ends=awaits), Stage("return", nodes=(decided,))


@contextmanager
def operated(redis_url, *, asks=False, tenant=TENANT, schedules=(), **settings):
    """Serve orders, those of schedules among them; with `asks`, a person decides each. More settings of the service may be given."""
    held = []
    graph = graph_of(
        f"t{uuid.uuid4().hex[:10]}", *_stages(lambda: held[0], asks=asks), deadline=60.0, schedules=schedules
    )
    graph.package = __package__  # so that this module is its own code
    graph.source_map |= {"source": "orders.saltern", "nodes": {"charge": {"place": "9:1"}}}
    router = PipelineRouter(graph, output=Output)

    @router.start("/runs")
    async def start_run(body: Input, start: Start) -> Response:
        """Start a run."""
        return await start(body)

    @router.webhook("/hooks/orders")
    async def receive_order(body: Input, deliver: Delivery) -> Response:
        """Take an order from elsewhere."""
        return await deliver(body)

    token, entry = tokens.new(tenant)
    chosen = Settings(redis_url=redis_url, api_tokens=str(entry), lease=1.0, socket_timeout=5.0, **settings)
    with in_one_process(graph, redis_url=redis_url, settings=chosen) as worker:
        app = build_app(router, chosen)
        app.state.saltern_backends = {graph.name: Backend(worker.service, chosen, (entry,))}
        with listening(app) as url:
            held.append(Operated(worker, url, token, app))
            yield held[0]


@pytest.fixture
def orders(redis_url):
    """A service of orders."""
    with operated(redis_url) as made:
        yield made


@pytest.fixture
def asking(redis_url):
    """A service of orders that a person decides."""
    with operated(redis_url, asks=True) as made:
        yield made
