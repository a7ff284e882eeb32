"""What people do to runs over HTTP: pause, resume, replay, rerun, and the dead letters, one or all that match."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import anyio
from fastapi import Query
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from saltern_runtime.engine.operating import Batch, By, Operator
from saltern_runtime.spec import Json
from saltern_runtime.store.letters import DeadLetter, LetterPage, Wanted
from saltern_runtime.store.operating import Verdict
from saltern_runtime.store.views import ActivationState, RunState, RunView, Started
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.models import FailureModel, PlainResponse, failure_json, time_json
from saltern_runtime.web.problems import NO_RUN, ProblemError, no_such_cursor, no_such_run

PagedT = TypeVar("PagedT", LetterPage, Batch)
REFUSED: Final[dict[Verdict, tuple[str, str]]] = {
    "late": ("run-over", "the run is over, or on its way there"),
    "open": ("run-open", "the run is not over yet"),
    "succeeded": ("run-succeeded", "the run succeeded: there is nothing to replay"),
    "cancelled": (
        "run-cancelled",
        "the run was cancelled, so what ran last told nobody; start it again with its input",
    ),
    "stopped": ("run-stopped", "a node stopped the run on purpose; start it again with its input"),
    "undone": ("run-undone", "the run took back what it had done; start it again with its input"),
    "older": (
        "run-older",
        "an earlier version of the runtime made the run, which can neither be paused, nor replayed, nor rerun",
    ),
    "unreached": ("node-unreached", "the run did not come to that node: replay it"),
    "undoable": (
        "node-undoable",
        "what would run again did what is to be taken back should the run fail, and could be taken back no more; start the run again with its input",
    ),
    "unfinished": ("rerun-unfinished", "the run ended while an earlier rerun of it was beginning: replay it first"),
    "gone": ("value-gone", "a value that the run kept is there no longer; start it again with its input"),
}
"""Verdict → code and words of the problem."""
_WORDS: Final[dict[str, str]] = {str(verdict): words for verdict, (_, words) in REFUSED.items()} | {"missing": NO_RUN}


class Why(BaseModel):
    """Why somebody does it; kept in the run's audit."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500)


class Again(Why):
    """Why a run is started again, and with what."""

    input: Any = Field(default=None, description="What the new run is given; left out: what the old one was given.")


class RerunFrom(Why):
    """Where a run begins anew, and why."""

    node: str = Field(alias="from", max_length=2000, examples=["charge"], description="The id of a node.")


class DiscardWhy(Why):
    """Which dead letter of a run needs no more looking after, and why."""

    path: str = Field(examples=["charge", "orders[3]/charge"], max_length=2000)


class Matching(Why):
    """Which dead letters are meant: all that match each field that is given."""

    node: str | None = Field(default=None, max_length=500)
    code: str | None = Field(default=None, max_length=200, examples=["rate-limited"])
    kind: str | None = Field(default=None, max_length=100, examples=["external-transient"])
    pipeline: str | None = Field(default=None, max_length=500)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    cursor: str | None = Field(default=None, max_length=2500, description="Goes on behind an earlier call's.")

    def wanted(self) -> Wanted:
        """Return it as the store asks."""
        return _wanted(self.node, self.code, self.kind, self.pipeline, self.since, self.until)


class LetterModel(BaseModel):
    """An activation that failed for good, until somebody dealt with it."""

    run: str
    path: str = Field(examples=["charge", "orders[3]/charge"])
    node: str
    pipeline: str
    at: AwareDatetime
    state: ActivationState
    attempts: int
    failure: FailureModel | None
    run_state: RunState
    trigger: str
    plan: str


class LetterList(BaseModel):
    """A page of dead letters, newest first."""

    letters: list[LetterModel]
    cursor: str | None = Field(description="Continues the listing; null at its end. A page may have few, and a cursor.")


class DoneModel(BaseModel):
    """What became of one."""

    run: str
    path: str
    verdict: str = Field(examples=["ok", "open"], description="`ok`, or why nothing was done.")
    detail: str = Field(description="The same in words; empty where it was done.")


class BatchModel(BaseModel):
    """What became of many."""

    done: list[DoneModel]
    cursor: str | None = Field(
        description="Send it with the same body to go on; null where all that match were dealt with."
    )


class AuditEntry(BaseModel):
    """Something that somebody did to a run."""

    what: str = Field(examples=["replay"])
    at: AwareDatetime
    by: str = Field(examples=["token:1b4f0e98"], description="The token that was used, by the start of its hash.")
    why: str
    node: str | None = Field(default=None, description="Of `rerun`: where the run began anew.")
    run: str | None = Field(default=None, description="Of `again`: the run that was started.")
    plan: str | None = Field(default=None, description="Of `migrate`: the version that the run was moved to.")
    of: str | None = Field(
        default=None, description="Of a run that was started by `again`: the run whose input it has."
    )


class Audit(BaseModel):
    """What people did to a run, the first thing first."""

    entries: list[AuditEntry]


async def list_letters(  # noqa: PLR0917 - each is a query parameter
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2500)] = None,
    node: Annotated[str | None, Query(max_length=500)] = None,
    code: Annotated[str | None, Query(max_length=200)] = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    pipeline: Annotated[str | None, Query(max_length=500)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Response:
    """List the dead letters of the token's tenant, newest first: what failed for good and nobody has dealt with."""
    wanted = _wanted(node, code, kind, pipeline, since, until)
    page = await _paged(request, lambda operator, tenant: operator.letters(tenant, limit, cursor, wanted))
    return PlainResponse(_page_json(page))


async def replay_letters(request: Request, body: Matching) -> Response:
    """Replay the runs of all dead letters that match, up to a hundred a call."""
    by, wanted = by_whom(request, body), body.wanted()
    batch = await _paged(request, lambda operator, tenant: operator.replay_all(tenant, by, wanted, body.cursor))
    return PlainResponse(_batch_json(batch), 202)


async def discard_letters(request: Request, body: Matching) -> Response:
    """Discard all dead letters that match, up to a hundred a call; their runs stay as they are."""
    by, wanted = by_whom(request, body), body.wanted()
    batch = await _paged(request, lambda operator, tenant: operator.discard_all(tenant, by, wanted, body.cursor))
    return PlainResponse(_batch_json(batch), 200)


async def letters_json(request: Request, run_id: str) -> Response:
    """Show the dead letters of a run."""
    admitted = exchange(request)
    operator, tenant = admitted.backend.service.operator, admitted.caller.tenant
    letters = await anyio.to_thread.run_sync(operator.letters_of, run_id, tenant)
    return PlainResponse(_page_json(LetterPage(letters, None)))


async def audit_json(request: Request, run_id: str) -> Response:
    """Show what people did to a run."""
    operator = exchange(request).backend.service.operator
    entries = await anyio.to_thread.run_sync(operator.audit, run_id)
    shown = [{**entry, "at": time_json(entry["at"])} for entry in entries]
    return PlainResponse({"entries": shown})


async def operate(request: Request, what: str, run_id: str, body: Why | None) -> int:
    """Pause, resume or replay a run; returns the status to answer with. Raises ProblemError where it is refused."""
    admitted = exchange(request)
    done = await anyio.to_thread.run_sync(
        getattr(admitted.backend.service.operator, what), run_id, admitted.caller.tenant, by_whom(request, body)
    )
    return _status(done.verdict)


async def rerun(request: Request, run_id: str, body: RerunFrom) -> None:
    """Let a run begin anew at a node. Raises ProblemError where it is refused."""
    admitted = exchange(request)
    operator, by = admitted.backend.service.operator, by_whom(request, body)
    done = await anyio.to_thread.run_sync(operator.rerun, run_id, admitted.caller.tenant, body.node, by)
    if done.verdict == "unknown":
        raise ProblemError(422, "node-unknown", "the run has no such node, or it is one that takes something back")
    _status(done.verdict)


async def again(request: Request, run: RunView, body: Again | None, key: str | None) -> Started:
    """Start a run again, with its input or another one. Raises RequestValidationError for one that the pipeline does not take."""
    service, by = exchange(request).backend.service, by_whom(request, body)
    given: Any = None
    if body is not None and "input" in body.model_fields_set:
        try:
            given = TypeAdapter(service.graph.input).validate_python(body.input)
        except ValidationError as error:
            found = [{**each, "loc": ("body", "input", *each["loc"])} for each in error.errors(include_url=False)]
            raise RequestValidationError(found, body={"input": body.input}) from error
    return await anyio.to_thread.run_sync(partial(service.again, run, given, by=by, idempotency_key=key))


async def discard(request: Request, run_id: str, body: DiscardWhy) -> None:
    """Discard a dead letter; raises ProblemError where there is none."""
    admitted = exchange(request)
    done = await anyio.to_thread.run_sync(
        admitted.backend.service.operator.discard, run_id, body.path, admitted.caller.tenant, by_whom(request, body)
    )
    if done.verdict != "ok":
        raise ProblemError(404, "letter-not-found", "no such dead letter: it never was, or somebody dealt with it")


def _status(verdict: Verdict) -> int:
    if verdict in REFUSED:
        code, words = REFUSED[verdict]
        raise ProblemError(409, code, words)
    if verdict == "missing":
        raise no_such_run()
    return 200 if verdict == "done" else 202


def by_whom(request: Request, body: Why | None) -> By:
    """Return who asks, by the token, and why."""
    return By(exchange(request).caller.by, body.reason if body is not None else "")


async def _paged(request: Request, what: Callable[[Operator, str], PagedT]) -> PagedT:
    admitted = exchange(request)

    def read() -> PagedT:
        try:
            return what(admitted.backend.service.operator, admitted.caller.tenant)
        except ValueError as error:
            raise no_such_cursor() from error

    return await anyio.to_thread.run_sync(read)


def _wanted(  # noqa: PLR0917 - each is a field
    node: str | None,
    code: str | None,
    kind: str | None,
    pipeline: str | None,
    since: AwareDatetime | None,
    until: AwareDatetime | None,
) -> Wanted:
    moments = (None if moment is None else moment.timestamp() for moment in (since, until))
    return Wanted(
        node=node, code=code, kind=kind, pipeline=pipeline, **dict(zip(("since", "until"), moments, strict=True))
    )


def _page_json(page: LetterPage) -> dict[str, Json]:
    return {"letters": [_letter_json(letter) for letter in page.letters], "cursor": page.cursor}


def _letter_json(letter: DeadLetter) -> dict[str, Json]:
    return {
        "run": letter.run,
        "path": letter.path,
        "node": letter.node,
        "pipeline": letter.pipeline,
        "at": time_json(letter.at),
        "state": str(letter.state),
        "attempts": letter.attempts,
        "failure": failure_json(letter.failure),
        "run_state": str(letter.run_state),
        "trigger": letter.trigger,
        "plan": letter.plan,
    }


def _batch_json(batch: Batch) -> dict[str, Json]:
    done = [
        {"run": run, "path": path, "verdict": verdict, "detail": _WORDS.get(verdict, "")}
        for run, path, verdict in batch.done
    ]
    return {"done": done, "cursor": batch.cursor}
