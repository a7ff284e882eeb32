"""A pipeline's API without an engine: an in-memory stand-in of its service, and clients that send to it."""

import threading
import time
import uuid
from dataclasses import dataclass, field, replace

from saltern_runtime import Graph, Stage, node
from saltern_runtime.errors import IdempotencyConflictError
from saltern_runtime.models import Model
from saltern_runtime.observe.metrics import Figures
from saltern_runtime.store.views import (
    ALL_RUNS,
    TERMINAL,
    ActivationState,
    Event,
    NodeView,
    RunPage,
    RunState,
    RunView,
    Started,
)


class Input(Model):
    """What a run starts with."""

    id: str
    count: int = 0


class Output(Model):
    """What a run returns."""

    text: str


@node("greet", type="template@1")
def greet(*, input: Input) -> str:  # noqa: A002 - the name that generated functions use
    """Greet."""
    return f"hello {input.id}"


@node("return", type="return@1")
def return_(*, greet: str) -> Output:
    """Return the result of the run."""
    return Output(text=greet)


GRAPH = Graph("greeter", package="tests", stages=(Stage("greet", nodes=(greet,)), Stage("return", nodes=(return_,))))


@dataclass
class FakeService:
    """The interface of `engine.service.Service`, over dictionaries; `finish` plays the worker."""

    graph: Graph = GRAPH
    runs: dict[str, RunView] = field(default_factory=dict)
    streams: dict[str, list[Event]] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], tuple[str, object]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    broken: Exception | None = None
    finish_at_once: bool = False
    closed: bool = False

    def _guard(self):
        if self.broken is not None:
            raise self.broken

    def prepare(self):
        self._guard()

    def start(self, input, *, tenant, trigger, idempotency_key=None):  # noqa: A002 - the interface's name
        self._guard()
        input = input.to_json() if isinstance(input, Model) else input  # noqa: A001 - the interface's name
        if idempotency_key is not None and (tenant, trigger, idempotency_key) in self.keys:
            run_id, body = self.keys[tenant, trigger, idempotency_key]
            if body != input:
                raise IdempotencyConflictError("another body", run_id=run_id)
            return Started(run_id, fresh=False)
        run_id = uuid.uuid4().hex
        if idempotency_key is not None:
            self.keys[tenant, trigger, idempotency_key] = (run_id, input)
        now = time.time()
        nodes = tuple(
            NodeView(each.id, each.type, each.id, ActivationState.BLOCKED, 0, None, None, None)
            for each in self.graph.nodes.values()
        )
        self.runs[run_id] = RunView(
            id=run_id,
            pipeline=self.graph.name,
            state=RunState.QUEUED,
            tenant=tenant,
            trigger=trigger,
            plan="sha256:0",
            created_at=now,
            deadline=now + 60,
            ended_at=None,
            failure=None,
            input=input,
            output=None,
            nodes=nodes,
        )
        self.emit(run_id, "run.created")
        if self.finish_at_once:
            self.finish(run_id)
        return Started(run_id, fresh=True)

    def emit(self, run_id, kind, path=None, data=None):
        with self.changed:
            stream = self.streams.setdefault(run_id, [])
            stream.append(Event(f"{len(stream) + 1}-0", kind, time.time(), path, data))
            self.changed.notify_all()

    def finish(self, run_id, state=RunState.SUCCEEDED, output=None):
        run = self.runs[run_id]
        given = {"text": f"hello {run.input['id']}"} if output is None else output
        self.emit(run_id, "stage.succeeded", path="greet")
        self.runs[run_id] = replace(run, state=state, output=given, ended_at=time.time())
        self.emit(run_id, f"run.{state.lower()}")

    def link(self, run, path):
        return f"{run.id}-{path}"

    def get(self, run_id, tenant):
        self._guard()
        run = self.runs.get(run_id)
        return run if run is not None and run.tenant == tenant else None

    def list(self, tenant, *, limit=20, cursor=None, wanted=ALL_RUNS):
        self._guard()
        mine = [
            replace(run, nodes=()) for run in reversed(self.runs.values()) if run.tenant == tenant and wanted.takes(run)
        ]
        first = int(cursor or 0)
        return RunPage(tuple(mine[first : first + limit]), str(first + limit) if len(mine) > first + limit else None)

    def cancel(self, run_id, tenant, reason="", by=""):
        run = self.get(run_id, tenant)
        if run is not None and run.state not in TERMINAL:
            self.runs[run_id] = replace(run, state=RunState.CANCELLING)
            self.emit(run_id, "run.cancelling", data={"reason": reason})
        return self.get(run_id, tenant)

    def events(self, run_id, after="0", block=0, limit=500):
        self._guard()
        deadline = time.monotonic() + block
        with self.changed:
            while True:
                seen = int(after.partition("-")[0])
                found = self.streams.get(run_id, [])[seen:][:limit]
                rest = deadline - time.monotonic()
                if found or rest <= 0:
                    return found
                self.changed.wait(rest)

    def news(self, after, block):
        self._guard()
        with self.changed:
            found = {run_id: self.events(run_id, at) for run_id, at in after.items()}
            if not any(found.values()):
                self.changed.wait(block)
                found = {run_id: self.events(run_id, at) for run_id, at in after.items()}
        return {run_id: events for run_id, events in found.items() if events}

    def wait(self, run_id, timeout):
        deadline = time.monotonic() + timeout
        with self.changed:
            while self.runs[run_id].state not in TERMINAL and (rest := deadline - time.monotonic()) > 0:
                self.changed.wait(rest)
        return self.runs[run_id]

    def figures(self):
        self._guard()
        return Figures({"runs|SUCCEEDED": 3})

    def ping(self):
        self._guard()

    def close(self):
        self.closed = True
