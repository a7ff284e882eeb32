"""The facade over a running service: start runs, look at them, cancel them. Used by the API, the CLI and tests."""

from __future__ import annotations

import builtins
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from saltern_runtime.assumed import broken
from saltern_runtime.engine.answers import hidden_of, taken
from saltern_runtime.engine.dispatch import Dispatcher, Silent
from saltern_runtime.engine.groups import group_of
from saltern_runtime.engine.limits import cap_of
from saltern_runtime.engine.links import Link
from saltern_runtime.engine.operating import By, Operator
from saltern_runtime.engine.stage_plan import counted_at
from saltern_runtime.engine.stages import Plans
from saltern_runtime.errors import (
    BrokenAssumptionError,
    ForeignRunError,
    IdempotencyConflictError,
    PayloadTooLargeError,
    RunDroppedError,
    StartError,
    TooManyRunsError,
    UnknownFileError,
    pointer,
)
from saltern_runtime.files import mentions_files, placed
from saltern_runtime.graph import Graph
from saltern_runtime.models import Model, plain
from saltern_runtime.observe import tracing
from saltern_runtime.observe.metrics import Figures
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Json
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.store.calls import Created, Group, NewRun, Signalled
from saltern_runtime.store.files import SPARE, Shelf
from saltern_runtime.store.keys import digest_of, new_nonce, new_run_id, shard_of, short_of
from saltern_runtime.store.operating import Operated, audited
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import Store, StoreUnavailableError, StoreUnfitError
from saltern_runtime.store.versions import Versions, read_versions
from saltern_runtime.store.views import ALL_RUNS, TERMINAL, Awaited, Event, RunPage, RunView, Started, WantedRuns

AGAIN: Final = 10.0
"""Seconds after which a store that was found unfit is looked at again."""
PATIENCE: Final = 5.0
"""Seconds that a call waits for another one that is looking at the store."""


class Service:
    """One pipeline's service; opens connections when first used."""

    def __init__(
        self,
        graph: Graph,
        settings: Settings | None = None,
        *,
        dispatcher: Dispatcher | None = None,
        store: Store | None = None,
    ) -> None:
        self.graph = graph
        self.settings = settings or Settings.from_env()
        self.plans = Plans(graph, self.settings.shards)
        self.cap = cap_of(self.settings)
        self.store = store or Store(graph.name, self.settings)
        self.reader = Reader(self.store, graph.name)
        tracing.named(graph.name, short_of(self.plans.plan))
        self._dispatcher = dispatcher
        self._has_broker = dispatcher is None
        self._preparing = threading.Lock()
        self._ready = False
        self._unfit: tuple[float, StoreUnfitError] | None = None

    @property
    def about(self) -> dict[str, str]:
        """What its logs say in every record."""
        return {"service": self.graph.name, "version": short_of(self.plans.plan)}

    @property
    def dispatcher(self) -> Dispatcher:
        """How bells are sent: over Celery where it is installed."""
        if self._dispatcher is None:
            try:
                from saltern_runtime.engine.celery import CeleryDispatcher  # noqa: PLC0415 - an API without Celery leaves its bells to the timers
            except ModuleNotFoundError:
                self._dispatcher = Silent()
            else:
                self._dispatcher = CeleryDispatcher(self.graph.name, self.settings)
        return self._dispatcher

    def prepare(self) -> None:
        """Check the server and the place of payloads, and make the plan known: once where they are fit.

        Raises StoreUnfitError where they would lose what is promised, found `AGAIN` seconds ago at most; StoreUnavailableError
        where another thread is still looking.
        """
        if self._ready:
            return
        if not self._preparing.acquire(timeout=PATIENCE):
            raise StoreUnavailableError("the store is still being tried out")
        try:
            if not self._ready:
                self._prepare()
        finally:
            self._preparing.release()

    def _prepare(self) -> None:
        if self._unfit is not None and time.monotonic() < self._unfit[0] + AGAIN:
            found = self._unfit[1]
            again = type(found)(str(found))
            again.is_known = True
            raise again
        try:
            self.store.check(broker=self._has_broker)
        except StoreUnfitError as error:
            self._unfit = time.monotonic(), error
            raise
        self.store.keep_plan(self.plans.plan, self.plans.shape, self.plans.flow)
        self._ready = True

    def start(
        self,
        input: Json | Model,  # noqa: A002 - the word of the API
        *,
        tenant: str,
        trigger: str,
        idempotency_key: str | None = None,
    ) -> Started:
        """Create a run; the same key with the same input answers with the first one. Raises StartError and FileTooLargeError.

        Files of the input are kept as long as the run before it is made: what came along is stored, a reference is held.
        """
        self.prepare()
        typed = input if isinstance(input, Model) else self._typed(input)
        files = list(placed(typed))
        given = plain(typed) if isinstance(input, Model) or files else input
        text = json.dumps(given, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if not text.isascii():
            text = _encodable(text, given)
        if len(text.encode()) > self.settings.max_payload:
            raise PayloadTooLargeError(f"the input is over the limit of {self.settings.max_payload} bytes")
        self.admit(given)
        missing = self.shelf.secure(tenant, files, self.graph.deadline + self.graph.retention + SPARE) if files else ()
        if missing:
            raise UnknownFileError([pointer(at) for at in missing])
        key = "" if idempotency_key is None else digest_of(tenant, trigger, idempotency_key)
        home = int(key or new_nonce(), 16) % self.settings.shards
        group = group_of(self.graph, tenant, given)
        run_id = new_run_id(home if group is None else group.shard(self.settings.shards))
        sorted_text = json.dumps(given, sort_keys=True)
        body = self.store.seals.digests(sorted_text, digest_of(sorted_text))
        new = self.new_run(run_id, text, body, tenant=tenant, trigger=trigger, key=key, group=group)
        new = replace(new, cap=self.cap)
        created = self._made_elsewhere(home, new) if key and shard_of(run_id) != home else self.store.create(new)
        if created.status == "full" and self.cap is not None:
            raise TooManyRunsError(created.open, self.cap)
        if created.status == "conflict":
            raise IdempotencyConflictError("this idempotency key came before, with another body", run_id=created.run_id)
        if created.status == "dropped":
            raise RunDroppedError(created.run_id)
        self.dispatcher.ring(created.bells)
        return Started(created.run_id, fresh=created.status == "fresh")

    def _made_elsewhere(self, home: int, new: NewRun) -> Created:
        """Create a run in another shard than the one that knows its idempotency key, which is kept first.

        Whoever sends the key again comes to the same run, made by then or not.
        """
        status, run_id, asked = self.store.reserve(home, new)
        if status == "known" and self.reader.state(run_id) is None:  # it is kept no longer, or never was made
            self.store.unreserve(home, replace(new, id=run_id), asked)
            status, run_id, asked = self.store.reserve(home, new)
        if status in ("known", "conflict"):
            return Created(status, run_id)
        created = self.store.create(replace(new, id=run_id, idempotency="", known=new.idempotency))
        if created.status in {"dropped", "full"}:
            self.store.unreserve(home, replace(new, id=run_id), asked)
        is_made = created.status == "fresh"  # else nothing is there yet to be led to
        return replace(created, status="known") if is_made and status == "again" else created

    def again(self, run: RunView, given: Json | Model | None, *, by: By, idempotency_key: str | None = None) -> Started:
        """Start a new run with the input of another one, or with a changed one; both are audited with each other's id.

        Raises as `start` does, and ForeignRunError for a run of a pipeline that this one starts: its input is not this one's.
        """
        if run.pipeline != self.graph.name:
            raise ForeignRunError(run.pipeline)
        chosen = self.reader.given(run.id) if given is None else given
        key = None if idempotency_key is None else f"{run.id} {idempotency_key}"
        started = self.start(chosen, tenant=run.tenant, trigger="again", idempotency_key=key)
        if started.fresh:
            self.store.note(run.id, run.tenant, audited("again", by.name, by.why, run=started.run_id))
            self.store.note(started.run_id, run.tenant, audited("again", by.name, by.why, of=run.id))
        return started

    def migrate(self, run: RunView, was: str, *, by: By) -> Operated:
        """Let an open run of another plan go on with this one. Whoever asks has proven that it may; the shapes are held against each other."""
        if run.plan != was:
            return Operated("moved")
        self.prepare()  # what the run is of from now on is known
        if not self.reader.is_alike(run.id, was, self.plans.shape):
            return Operated("unlike")
        audit = audited("migrate", by.name, by.why, plan=self.plans.plan)
        done = self.store.migrate(run.id, run.tenant, new_nonce(), audit, was=was, plan=self.plans.plan)
        self.dispatcher.ring(done.bells)
        return done

    def admit(self, given: Json) -> None:
        """Raise BrokenAssumptionError for an input that has more of something than the pipeline assumes."""
        found = tuple(broken(self.graph.assumes, given, self.graph.secrets))
        if found:
            raise BrokenAssumptionError(found)

    def _typed(self, given: Json) -> Any:
        """Read JSON as what the graph takes where that may hold files; None elsewhere."""
        if self._input is None:
            return None
        try:
            return self._input.validate_python(given)
        except ValidationError as error:
            raise StartError(f"the input is not what {self.graph.name} takes: {error.error_count()} errors") from error

    @cached_property
    def _input(self) -> TypeAdapter[Any] | None:
        return TypeAdapter(self.graph.input) if mentions_files(self.graph.input) else None

    @property
    def shelf(self) -> Shelf:
        """The files of its tenants, behind the same door as runs: see `prepare`."""
        self.prepare()
        return Shelf(self.store)

    def new_run(
        self,
        run_id: str,
        text: str,
        body: str,
        *,
        tenant: str,
        trigger: str,
        key: str = "",
        group: Group | None = None,
    ) -> NewRun:
        """Describe a run of this graph; `text` is its input."""
        return NewRun(
            id=run_id,
            plan=self.plans.plan,
            tenant=tenant,
            trigger=trigger,
            input=text,
            body=body,
            idempotency=key,
            deadline=self.graph.deadline,
            retention=self.graph.retention,
            retained=self.graph.retained,
            entries=self.plans.entries,
            reserve=self.graph.reserve,
            group=group,
            trace=tracing.carried(),
        )

    def get(self, run_id: str, tenant: str) -> RunView | None:
        """Return a run; None where this tenant has none of that id."""
        return self.reader.run(run_id, tenant)

    def list(
        self, tenant: str, *, limit: int = 20, cursor: str | None = None, wanted: WantedRuns = ALL_RUNS
    ) -> RunPage:
        """Return a tenant's runs, newest first; raises ValueError for a broken cursor."""
        return self.reader.runs(tenant, max(1, min(limit, 200)), cursor, wanted)

    def cancel(self, run_id: str, tenant: str, reason: str = "", by: str = "") -> RunView | None:
        """End a run early, audited with who does it; one that is over stays as it is."""
        failure = {"kind": "cancelled", "code": "cancelled", "message": reason or "somebody cancelled the run"}
        state, bells = self.store.cancel(run_id, tenant, json.dumps(failure), audited("cancel", by, reason))
        self.dispatcher.ring(bells)
        return None if state is None else self.reader.run(run_id, tenant)

    def awaited(self, run_id: str, path: str) -> Awaited | None:
        """Return what an activation of a run waits for, or may; None where it takes no answer."""
        return self.reader.awaited(run_id, path)

    def answer(self, run_id: str, path: str, body: Json, *, by: str | None = None) -> Signalled:
        """Give an answer from outside to an activation; raises AnswerError where it is none that the node takes.

        A decision is made once it was asked for; any other answer may come before its node waits, and is kept.
        """
        found = self.reader.awaited(run_id, path)
        if found is None:
            return Signalled("missing")
        text = json.dumps(taken(found, body, by), separators=(",", ":"), allow_nan=False)
        if len(text) > self.settings.max_payload:
            raise PayloadTooLargeError(f"the answer is over the limit of {self.settings.max_payload} bytes")
        signalled = self.store.signal(run_id, path, text, new_nonce(), early=not found.choices, keep=self.graph.longest)
        self.dispatcher.ring(signalled.bells)
        first = hidden_of(found).without(json.loads(signalled.first)) if signalled.first else None
        text = json.dumps(first, separators=(",", ":")) if signalled.first else ""
        return replace(signalled, decides=bool(found.choices), first=text)

    def link(self, run: RunView, path: str) -> str:
        """Return what stands behind `/answers/` in the address at which an activation takes its answer."""
        link = Link(run.id, path, int(run.deadline))
        return link.signed(self.store.signing_key(link.shard))

    def events(self, run_id: str, after: str = "0", block: float = 0, limit: int = 500) -> builtins.list[Event]:
        """Return what happened after an event, waiting up to `block` seconds for something; ValueError for a broken id."""
        return self.reader.events(run_id, after, block, limit)

    def news(self, after: Mapping[str, str], block: float) -> dict[str, builtins.list[Event]]:
        """Return what happened in runs of one shard after an event each, waiting up to `block` seconds for the first; others are left out."""
        return self.reader.news(after, block, AT_ONCE)

    def wait(self, run_id: str, timeout: float) -> RunView:
        """Return the run once it is over, or as it is after `timeout` seconds; raises LookupError where there is none."""
        end = time.monotonic() + timeout
        after = "0"
        while True:
            state = self.reader.state(run_id)
            left = end - time.monotonic()
            if state is None or state in TERMINAL or left <= 0:
                break
            events = self.events(run_id, after, block=left)
            after = events[-1].id if events else after
        view = self.reader.run(run_id)
        if view is None:
            raise LookupError(f"no run {run_id!r}")
        return view

    def response(self, run_id: str, timeout: float) -> tuple[str | None, RunView | None]:
        """Return what a run answers the request that started it with (JSON text), or the run where it ended without that.

        Neither where `timeout` seconds were not enough.
        """
        end = time.monotonic() + timeout
        after = "0"
        while True:
            state, text = self.reader.response(run_id)
            if text is not None:
                return text, None
            left = end - time.monotonic()
            if state is None or state in TERMINAL:
                return None, self.reader.run(run_id)
            if left <= 0:
                return None, None
            events = self.events(run_id, after, block=left)
            after = events[-1].id if events else after

    @cached_property
    def operator(self) -> Operator:
        """What people do to runs: pause, replay, dead letters."""
        return Operator(self.store, self.reader, self.graph.name, self.dispatcher.ring)

    def figures(self) -> Figures:
        """Return what the metrics show: `Collector(graph.name, service.figures)`."""
        versions = {
            version.short: (version.open, version.unserved) for version in read_versions(self.store, looked_at=0).all
        }
        cap = self.settings.max_open_runs
        return replace(self.reader.figures(), nodes=counted_at(self.graph), versions=versions, cap=cap)

    def versions(self) -> Versions:
        """Return the versions that have open runs, or workers."""
        return read_versions(self.store)

    def ping(self) -> None:
        """Raise StoreUnavailableError unless the store answers at once, StoreUnfitError where it refuses what is needed."""
        self.store.check_rights()
        self.store.ping()

    def close(self) -> None:
        """Close this process's connections."""
        self.store.close()


def _encodable(text: str, value: Json) -> str:
    """Return JSON text that UTF-8 can hold: a lone surrogate, which JSON allows, stays an escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text
