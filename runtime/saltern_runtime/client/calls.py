"""Every call of the API, described once: method, path, query, body, and how its answer is read. Both clients execute these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

from saltern_runtime.client.answers import Answer
from saltern_runtime.client.errors import NotFoundError
from saltern_runtime.client.results import (
    AuditEntry,
    Batch,
    DeadLetter,
    Done,
    Page,
    Run,
    RunSummary,
    Schedule,
    Shown,
    Started,
    Versions,
)
from saltern_runtime.models import plain
from saltern_runtime.spec import Json
from saltern_runtime.spec.names import SCHEDULE_ID

T = TypeVar("T")
OutputT = TypeVar("OutputT")
ShownT = TypeVar("ShownT", bound=Shown)
LONGEST_WAIT: Final = 30.0
"""Seconds that one request waits for the end of a run: proxies end those that take a minute."""
PAGE: Final = 100
"""How many a page of a listing has, at most."""
_RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}")
_SCHEDULE: Final = re.compile(SCHEDULE_ID)
_KEY: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
_EVENT: Final = re.compile(r"[0-9]{1,20}(-[0-9]{1,20})?")
_NONE: Final = object()
SAME: Final = object()
"""In place of an input: the one that a run was given."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer is read."""

    method: str
    path: str
    """Below the address of the service."""
    read: Callable[[Answer], T]
    query: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    body: object = _NONE
    """Plain JSON, if any."""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeats: bool = False
    """Whether it may be sent again though it may have arrived: it changes nothing, or carries a key."""
    waits: float = 0.0
    """Seconds that the service is asked to take for it."""

    @property
    def has_body(self) -> bool:
        """Whether there is a body; null is one too."""
        return self.body is not _NONE


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are looked for; what is empty or None takes all."""

    state: str | Sequence[str] = ()
    """One, or several: a run is in one of them."""
    trigger: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> dict[str, str | Sequence[str]]:
        """Write it as the API takes it."""
        states = (self.state,) if isinstance(self.state, str) else tuple(self.state)
        return {**({"state": states} if self.state else {}), **_given(trigger=self.trigger, **_span(self))}


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters are looked for; what is None takes all."""

    node: str | None = None
    code: str | None = None
    kind: str | None = None
    pipeline: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> dict[str, str]:
        """Write it as the API takes it."""
        return _given(node=self.node, code=self.code, kind=self.kind, pipeline=self.pipeline, **_span(self))


ALL_RUNS: Final = RunFilter()
ALL_LETTERS: Final = LetterFilter()


def start(
    given: object, output: TypeAdapter[OutputT] | None, *, idempotency_key: str | None, wait: float | None
) -> Call[Started[OutputT]]:
    """Start a run; with a key it may be sent again."""
    headers = _key(idempotency_key)
    waits = 0.0 if wait is None else min(wait, LONGEST_WAIT)

    def read(answer: Answer) -> Started[OutputT]:
        if answer.status != 200:
            return answer.shown(Started[Any])
        run = _run(output)(answer)
        return Started(id=run.id, created=None, run=run)

    return Call(
        "POST", "/runs", read, body=plain(given, _no_json), headers=headers | _prefer(waits),
        repeats=idempotency_key is not None, waits=waits,
    )  # fmt: skip


def get(run: str, output: TypeAdapter[OutputT] | None) -> Call[Run[OutputT]]:
    """Show a run."""
    return Call("GET", _path(run), _run(output), repeats=True)


def get_over(run: str, output: TypeAdapter[OutputT] | None, seconds: float) -> Call[tuple[Run[OutputT], bool]]:
    """Show a run once it is over, or as it is after a while; and whether the service waited for it at all."""
    waits = min(seconds, LONGEST_WAIT)

    def read(answer: Answer) -> tuple[Run[OutputT], bool]:
        return _run(output)(answer), "preference-applied" in answer.headers

    return Call("GET", _path(run), read, headers=_prefer(waits), repeats=True, waits=waits)


def runs(wanted: RunFilter, cursor: str | None, limit: int = PAGE) -> Call[Page[RunSummary]]:
    """List runs, newest first."""
    query = wanted.query() | _given(cursor=cursor, limit=str(limit))
    return Call("GET", "/runs", lambda answer: _page(answer, "runs", RunSummary), query=query, repeats=True)


def operate(what: str, run: str, output: TypeAdapter[OutputT] | None, reason: str, **more: str) -> Call[Run[OutputT]]:
    """Cancel, pause, resume, replay, rerun a run (`from`: a node), or discard a letter of it (`path`)."""
    return Call("POST", f"{_path(run)}/{what}", _run(output), body={"reason": reason, **more})


def again(run: str, given: object, reason: str, idempotency_key: str | None) -> Call[Started[Any]]:
    """Start a run again with its input, or with `given`; with a key it may be sent again."""
    body: dict[str, object] = {"reason": reason} | ({} if given is SAME else {"input": plain(given, _no_json)})
    return Call(
        "POST", f"{_path(run)}/again", lambda answer: answer.shown(Started[Any]), body=body, headers=_key(idempotency_key),
        repeats=idempotency_key is not None,
    )  # fmt: skip


def _key(idempotency_key: str | None) -> dict[str, str]:
    if idempotency_key is None:
        return {}
    if not _KEY.fullmatch(idempotency_key):
        raise ValueError("an idempotency key is 1 to 255 visible ASCII characters")
    return {"Idempotency-Key": idempotency_key}


def answer(run: str, path: str, value: object) -> Call[bool]:
    """Answer what waits in a run; False where an earlier answer had come, which counts."""
    body = {"path": path, "answer": plain(value, _no_json)}
    return Call("POST", f"{_path(run)}/answers", lambda said: said.flag("created"), body=body)


def decision(decided: str, comment: str | None, fields: Mapping[str, Json] | None) -> dict[str, Json]:
    """Write a decision as the answer that it is."""
    more = {"comment": comment, "fields": None if fields is None else dict(fields)}
    return {"decision": decided} | {name: value for name, value in more.items() if value is not None}


def audit(run: str) -> Call[tuple[AuditEntry, ...]]:
    """Show what people did to a run, the first thing first."""
    return Call("GET", f"{_path(run)}/audit", lambda said: said.several("entries", AuditEntry), repeats=True)


def schedules() -> Call[tuple[Schedule, ...]]:
    """List schedules."""
    return Call("GET", "/schedules", lambda said: said.several("schedules", Schedule), repeats=True)


def operate_schedule(what: str, schedule: str, reason: str) -> Call[Schedule]:
    """Pause a schedule, or resume it: the same however often it is sent."""
    path = f"{_schedule(schedule)}/{what}"
    return Call("POST", path, lambda said: said.shown(Schedule), body={"reason": reason}, repeats=True)


def schedule_audit(schedule: str) -> Call[tuple[AuditEntry, ...]]:
    """Show what people did to a schedule, the first thing first."""
    return Call("GET", f"{_schedule(schedule)}/audit", lambda said: said.several("entries", AuditEntry), repeats=True)


def versions() -> Call[Versions]:
    """List the versions that have open runs or workers."""
    return Call("GET", "/versions", lambda said: said.shown(Versions), repeats=True)


def letters_of(run: str) -> Call[tuple[DeadLetter, ...]]:
    """List the dead letters of one run."""
    return Call("GET", f"{_path(run)}/dead-letters", lambda said: said.several("letters", DeadLetter), repeats=True)


def letters(wanted: LetterFilter, cursor: str | None, limit: int = PAGE) -> Call[Page[DeadLetter]]:
    """List dead letters, newest first."""
    query = wanted.query() | _given(cursor=cursor, limit=str(limit))
    return Call("GET", "/runs/dead-letters", lambda said: _page(said, "letters", DeadLetter), query=query, repeats=True)


def operate_letters(what: str, wanted: LetterFilter, reason: str, cursor: str | None) -> Call[Batch]:
    """Replay or discard up to a hundred of the letters that match."""
    body = wanted.query() | {"reason": reason} | _given(cursor=cursor)
    return Call("POST", f"/runs/dead-letters/{what}", lambda said: _page(said, "done", Done), body=body)


def events(run: str, after: str | None) -> Call[None]:
    """Follow the events of a run; the answer is a stream."""
    if after is not None and not _EVENT.fullmatch(after):
        raise ValueError(f"{after[:80]!r} is no event's id")
    headers = {"Accept": "text/event-stream", **({} if after is None else {"Last-Event-ID": after})}
    return Call("GET", f"{_path(run)}/events", lambda _: None, headers=headers, repeats=True)


def _run(output: TypeAdapter[OutputT] | None) -> Callable[[Answer], Run[OutputT]]:
    return lambda answer: answer.shown(Run[Any]).typed(output)


def _page(answer: Answer, name: str, kind: type[ShownT]) -> Page[ShownT]:
    cursor = answer.object().get("cursor")
    return Page(answer.several(name, kind), cursor if isinstance(cursor, str) else None)


def _path(run: str) -> str:
    """Return the path of a run. What is no run's id names none, and must not become another path."""
    if not _RUN.fullmatch(run):
        raise NotFoundError(404, "run-not-found", f"{run[:80]!r} is no run's id")
    return f"/runs/{quote(run, safe='')}"


def _schedule(schedule: str) -> str:
    if not _SCHEDULE.fullmatch(schedule):
        raise NotFoundError(404, "schedule-not-found", f"{schedule[:80]!r} is no schedule's id")
    return f"/schedules/{schedule}"


def _prefer(seconds: float) -> dict[str, str]:
    return {"Prefer": f"wait={max(1, round(seconds))}"} if seconds > 0 else {}


def _span(wanted: RunFilter | LetterFilter) -> dict[str, str | None]:
    moments = {"since": wanted.since, "until": wanted.until}
    for name, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"`{name}` needs a time zone: datetime.now(UTC), say")
    return {name: None if moment is None else moment.isoformat() for name, moment in moments.items()}


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _no_json(value: object) -> Json:
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")
