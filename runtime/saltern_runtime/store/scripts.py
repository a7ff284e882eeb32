"""The calls of the scripts: one dataclass each, whose fields are what the script reads. Times are whole milliseconds.

They are made for each stage and read once; frozen ones would take three times as long to make.

What a field means stands in the script's header; `contract` holds both against each other when the store is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Final, cast

from saltern_runtime.store.dependants import Dependant, Other


@dataclass(slots=True, kw_only=True)
class Call:
    """What a script is given; a field that is None is left out."""

    script: ClassVar[str] = ""

    def given(self) -> dict[str, Any]:
        """Return the call as the script decodes it."""
        values = ((name, getattr(self, name)) for name in _names(cast("Any", type(self))))
        return {"op": self.script} | {name: value for name, value in values if value is not None}


_names: Final = cache(lambda of: tuple(field.name for field in fields(of)))


@dataclass(slots=True, kw_only=True)
class _Rings(Call):
    bells: int
    ring: int


@dataclass(slots=True, kw_only=True)
class _Claims(_Rings):
    lease: int


@dataclass(slots=True, kw_only=True)
class _Ends(_Claims):
    run: str
    path: str
    nonce: str


@dataclass(slots=True, kw_only=True)
class _Names(_Rings):
    run: str
    path: str
    nonce: str


@dataclass(slots=True, kw_only=True)
class _Makes(_Rings):
    retained: dict[str, int] | None = None
    reserve: int | None = None
    group: str | None = None
    most: int | None = None
    over: str | None = None
    trace: str | None = None


@dataclass(slots=True, kw_only=True)
class Create(_Makes):
    """See create.lua."""

    script = "create"
    run: str
    plan: str
    tenant: str
    trigger: str
    body: str
    idem: str
    deadline: int
    retention: int
    entries: Sequence[Dependant]
    pipeline: str | None = None
    root: str | None = None
    parent: str | None = None
    cap: int | None = None
    known: str | None = None


@dataclass(slots=True, kw_only=True)
class Reserve(Call):
    """See reserve.lua."""

    script = "reserve"
    run: str
    body: str
    idem: str
    keep: int
    retention: int


@dataclass(slots=True, kw_only=True)
class Unreserve(Call):
    """See unreserve.lua."""

    script = "unreserve"
    run: str
    idem: str
    asked: int


@dataclass(slots=True, kw_only=True)
class Tick(_Makes):
    """See tick.lua."""

    script = "tick"
    plan: str
    schedule: str
    signature: str
    was: str
    tick: int
    run: str | None = None
    tenant: str | None = None
    trigger: str | None = None
    body: str | None = None
    idem: str | None = None
    deadline: int | None = None
    retention: int | None = None
    entries: Sequence[Dependant] | None = None


@dataclass(slots=True, kw_only=True)
class Current(Call):
    """See current.lua."""

    script = "current"
    plan: str
    silence: int
    schedules: Sequence[str]


@dataclass(slots=True, kw_only=True)
class Answer(_Claims):
    """See answer.lua."""

    script = "answer"
    queue: str
    slot: int
    serial: int
    claim: str


@dataclass(slots=True, kw_only=True)
class Advance(_Ends):
    """See advance.lua."""

    script = "advance"
    state: str
    dependants: Sequence[Dependant]
    durations: str
    failure: str | None = None
    undo: str | None = None
    cache: str | None = None
    other: Sequence[Other] | None = None
    claim: str | None = None


@dataclass(slots=True, kw_only=True)
class PutItems(Call):
    """See put_items.lua."""

    script = "put_items"
    run: str
    path: str
    nonce: str
    first: int


@dataclass(slots=True, kw_only=True)
class Open(_Ends):
    """See open.lua."""

    script = "open"
    items: int
    most: int
    mode: str
    entries: str
    body: str
    taken: str
    durations: str
    carries: bool | None = None
    within: int | None = None
    claim: str | None = None


@dataclass(slots=True, kw_only=True)
class Again(_Ends):
    """See again.lua."""

    script = "again"
    claim: str | None = None


@dataclass(slots=True, kw_only=True)
class Lose(_Names):
    """See lose.lua."""

    script = "lose"
    losers: Sequence[str]
    failure: str


@dataclass(slots=True, kw_only=True)
class Adopt(Call):
    """See adopt.lua."""

    script = "adopt"
    run: str
    path: str
    nonce: str
    child: str


@dataclass(slots=True, kw_only=True)
class Stop(_Ends):
    """See stop.lua."""

    script = "stop"
    state: str
    durations: str
    failure: str | None = None
    other: Sequence[Other] | None = None
    claim: str | None = None


@dataclass(slots=True, kw_only=True)
class Suspend(_Ends):
    """See suspend.lua."""

    script = "suspend"
    durations: str
    taken: str
    delay: int | None = None
    till: int | None = None
    asks: str | None = None
    claim: str | None = None


@dataclass(slots=True, kw_only=True)
class Signal(_Names):
    """See signal.lua."""

    script = "signal"
    early: bool


@dataclass(slots=True, kw_only=True)
class Fail(_Ends):
    """See fail.lua."""

    script = "fail"
    failure: str
    state: str
    dead: bool
    delay: int | None = None
    durations: str | None = None
    other: Sequence[Other] | None = None
    owner: str | None = None
    index: int | None = None
    claim: str | None = None


@dataclass(slots=True, kw_only=True)
class Extend(Call):
    """See extend.lua."""

    script = "extend"
    run: str
    path: str
    nonce: str
    lease: int


@dataclass(slots=True, kw_only=True)
class Release(_Names):
    """See release.lua."""

    script = "release"


@dataclass(slots=True, kw_only=True)
class TakeDue(_Claims):
    """See take_due.lua."""

    script = "take_due"
    replica: str
    nonce: str
    sweep: int
    gap: bool | None = None


@dataclass(slots=True, kw_only=True)
class Cancel(_Rings):
    """See cancel.lua."""

    script = "cancel"
    run: str
    failure: str
    tenant: str | None = None
    audit: str | None = None


@dataclass(slots=True, kw_only=True)
class _Operates(_Rings):
    run: str
    nonce: str
    audit: str
    tenant: str | None = None


@dataclass(slots=True, kw_only=True)
class Pause(_Operates):
    """See pause.lua."""

    script = "pause"


@dataclass(slots=True, kw_only=True)
class Resume(_Operates):
    """See resume.lua."""

    script = "resume"


@dataclass(slots=True, kw_only=True)
class Replay(_Operates):
    """See replay.lua."""

    script = "replay"


@dataclass(slots=True, kw_only=True)
class Rerun(_Operates):
    """See rerun.lua."""

    script = "rerun"
    generation: int


@dataclass(slots=True, kw_only=True)
class Note(Call):
    """See note.lua."""

    script = "note"
    run: str
    audit: str
    tenant: str | None = None


@dataclass(slots=True, kw_only=True)
class Discard(Note):
    """See discard.lua."""

    script = "discard"
    path: str


@dataclass(slots=True, kw_only=True)
class Halt(Call):
    """See halt.lua."""

    script = "halt"
    schedule: str
    audit: str
    goes: bool | None = None


@dataclass(slots=True, kw_only=True)
class Reconcile(_Rings):
    """See reconcile.lua."""

    script = "reconcile"
    run: str
    cursor: str


@dataclass(slots=True, kw_only=True)
class Migrate(_Operates):
    """See migrate.lua."""

    script = "migrate"
    was: str
    plan: str
    before: str
    after: str


CALLS: Final[tuple[type[Call], ...]] = (
    Create, Reserve, Unreserve, Tick, Current, Answer, Advance, PutItems, Open, Again, Lose, Adopt, Stop, Suspend, Signal, Fail, Extend, Release, TakeDue, Cancel, Pause, Resume, Replay, Rerun, Discard, Note, Halt, Reconcile, Migrate,
)  # fmt: skip
