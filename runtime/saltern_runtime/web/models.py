"""What the API says of runs, as JSON: documented by these models, written by the functions beside them.

Runs are written without validating them again, so that a run of an older plan can be shown by any later one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from saltern_runtime.engine.answers import hidden_of
from saltern_runtime.masking import NOTHING, PERSONAL, Hidden, masked
from saltern_runtime.spec import Json
from saltern_runtime.store.views import ActivationState, Awaited, Event, Failure, NodeView, RunPage, RunState, RunView
from saltern_runtime.store.views import RunSummary as RunSummaryView

OutputT = TypeVar("OutputT")


class FailureModel(BaseModel):
    """Why a run or a node failed."""

    kind: str = Field(examples=["external-transient"])
    code: str = Field(examples=["rate-limited"])
    message: str
    node: str | None = None
    status: int | None = None
    place: str | None = Field(
        default=None, description="Of the node in the source.", examples=["order_totals.saltern:12:3"]
    )
    trace: list[str] = Field(
        default=[],
        description="What the error came through in own code, the outermost first.",
        examples=[["rules.py:12 in price"]],
    )


class ItemsModel(BaseModel):
    """How far a foreach has come, or a node of its body in all items."""

    total: int
    done: int
    failed: int
    skipped: int
    running: int


class NodeModel(BaseModel):
    """One node of a run."""

    id: str
    type: str
    stage: str
    state: ActivationState
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    duration: float | None = Field(description="Seconds of the last attempt, as the worker measured them.")
    failure: FailureModel | None
    items: ItemsModel | None = Field(
        default=None, description="Of a foreach and the nodes of its body, which stand here once for all items."
    )
    cached: int = Field(default=0, description="How often its value came from the cache.")
    elided: str = Field(
        default="",
        description="Why it was not run, where that was known beforehand: what became of it is known all the same.",
    )


class RunSummary(BaseModel):
    """One run, as listings show it."""

    id: str
    pipeline: str
    state: RunState
    trigger: str
    parent: str | None = Field(default=None, description="The run that started it, where one did.")
    plan: str
    created_at: datetime
    deadline: datetime
    ended_at: datetime | None
    failure: FailureModel | None


class AwaitedModel(BaseModel):
    """What waits for an answer from outside."""

    path: str = Field(examples=["approve"])
    node: str
    type: str
    text: str = Field(description="What a person is asked.")
    choices: list[str] = Field(description="What may be decided; empty where the answer is no decision.")
    default: str | None = Field(description="What is decided where nobody does in time.")
    answer: dict[str, Any] = Field(description="JSON Schema of the answer.")
    deadline: datetime | None
    decision: dict[str, Any] | None = Field(description="What was decided, once it was.")
    url: str | None = Field(default=None, description="Where whoever holds this link may answer.")


class Run(RunSummary, Generic[OutputT]):
    """One run with its input, its output once it succeeded, and the state of every node."""

    input: Any
    output: OutputT | None
    nodes: list[NodeModel]
    awaits: list[AwaitedModel] = Field(description="What waits for an answer from outside.")
    stranded: str = Field(
        default="",
        description="Why nothing of it goes on, in words: no worker of its version comes for what is READY, or it waits for its turn in its group.",
    )


class RunList(BaseModel):
    """A page of runs, newest first."""

    runs: list[RunSummary]
    cursor: str | None = Field(description="Continues the listing; null at its end.")


class StartedModel(BaseModel):
    """A run that was accepted."""

    id: str
    created: bool = Field(description="False where an earlier request with the same key made the run.")
    url: str = Field(description="Where the run is to be seen.")


class CancelReason(BaseModel):
    """Why a run is cancelled."""

    reason: str = Field(default="", max_length=500)


class PlainResponse(JSONResponse):
    """JSON in ASCII, so that half a surrogate pair in a stored text cannot break the answer."""

    def render(self, content: Any) -> bytes:
        """Write the content."""
        return dump(content).encode("ascii")

    def __init__(self, content: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status, {"Cache-Control": "no-store", **(headers or {})})


def dump(content: Json) -> str:
    """Write JSON on one line of ASCII."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def run_json(
    run: RunView, hidden: Hidden = NOTHING, link: Callable[[str], str] | None = None, *, whole: bool = True
) -> dict[str, Json]:
    """Write a run in full, but for the secrets and personal fields of its input; `link` makes the address at which an activation takes its answer.

    Without `whole`, personal fields of its output are left out too.
    """
    nodes = [_node(node) for node in run.nodes]
    awaits = [
        awaited_json(found, text=found.shown) | ({} if link is None else {"url": link(found.path)})
        for found in run.awaits
    ]
    return {
        **_summary(run),
        "input": hidden.without(run.input),
        "output": run.output if whole else masked(run.output, hidden.output, PERSONAL),
        "nodes": nodes,
        "awaits": awaits,
        "stranded": run.stranded,
    }


def awaited_json(found: Awaited, text: str | None = None) -> dict[str, Json]:
    """Write what waits for an answer, or may; `text` stands in place of what a person is asked."""
    return {
        "path": found.path,
        "node": found.node,
        "type": found.type,
        "text": found.text if text is None else text,
        "choices": list(found.choices),
        "default": found.default,
        "answer": dict(found.schema),
        "deadline": time_json(found.deadline),
        "decision": _decision(found),
    }


def _decision(found: Awaited) -> Json:
    """Return what was decided, but for what was filled in as a secret, or is about a person."""
    if found.answer is None or not found.choices:
        return None
    return hidden_of(found).without(json.loads(found.answer))


def page_json(page: RunPage) -> dict[str, Json]:
    """Write a page of a listing."""
    return {"runs": [_summary(run) for run in page.runs], "cursor": page.cursor}


def event_json(event: Event, source: str) -> dict[str, Json]:
    """Write an event as a CloudEvent 1.0; `source` is the run's address."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type,
        "subject": event.path,
        "time": time_json(event.at),
        "data": _shown(event.data),
    }


def _shown(data: Json) -> Json:
    """Return what an event says, with a question as it is shown to those who are not asked."""
    asks = data.get("asks") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(asks, dict):
        return data
    return {**data, "asks": {"text": asks.get("shown", asks.get("text", ""))}}


def _summary(run: RunSummaryView) -> dict[str, Json]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "state": str(run.state),
        "trigger": run.trigger,
        "parent": run.parent,
        "plan": run.plan,
        "created_at": time_json(run.created_at),
        "deadline": time_json(run.deadline),
        "ended_at": time_json(run.ended_at),
        "failure": failure_json(run.failure),
    }


def _node(node: NodeView) -> dict[str, Json]:
    return {
        "id": node.id,
        "type": node.type,
        "stage": node.stage,
        "state": str(node.state),
        "attempt": node.attempt,
        "started_at": time_json(node.started_at),
        "ended_at": time_json(node.ended_at),
        "duration": node.duration,
        "failure": failure_json(node.failure),
        "items": None if node.items is None else asdict(node.items),
        "cached": node.cached,
        "elided": node.elided,
    }


def failure_json(failure: Failure | None) -> dict[str, Json] | None:
    """Write why something failed."""
    if failure is None:
        return None
    return {
        "kind": failure.kind,
        "code": failure.code,
        "message": failure.message,
        "node": failure.node,
        "status": failure.status,
        **({} if failure.place is None else {"place": failure.place}),
        **({"trace": list(failure.trace)} if failure.trace else {}),
    }


def time_json(seconds: float | None) -> str | None:
    """Write a moment (Unix seconds) as RFC 3339 has it."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
