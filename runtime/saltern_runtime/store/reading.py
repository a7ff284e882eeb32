"""Reading the store: runs, listings, events, figures. Never writes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from redis.client import Pipeline

from saltern_runtime.observe.metrics import Figures
from saltern_runtime.store.keys import ANSWER, OUTPUT, RESPONSE, shard_of
from saltern_runtime.store.lines import in_line
from saltern_runtime.store.newest import READ, Index, Place
from saltern_runtime.store.records import LAYOUT, TAGS, Record
from saltern_runtime.store.rerunning import Ended, read_ended
from saltern_runtime.store.showing import Shape, beneath, is_alike, nodes_of, own, read_failure
from saltern_runtime.store.store import NewerLayoutError, Store
from saltern_runtime.store.versions import stranded
from saltern_runtime.store.views import (
    ALL_RUNS,
    TERMINAL,
    Awaited,
    Event,
    RunPage,
    RunState,
    RunSummary,
    RunView,
    WantedRuns,
)
from saltern_runtime.store.waiting import awaited, waiting

_SUMMARY: Final = [
    "state", "tenant", "trigger", "plan", "created", "deadline", "ended", "failure", "layout", "reserve", "pipeline", "root", "parent",
]  # fmt: skip
"""Fields of a run that a listing shows or goes by."""
_OPEN: Final = tuple(state for state in RunState if state not in TERMINAL)


class Reader:
    """Shows what a store holds."""

    def __init__(self, store: Store, pipeline: str) -> None:
        self._store = store
        self._pipeline = pipeline
        self._shapes: dict[str, Shape] = {}

    def run(self, run_id: str, tenant: str | None = None) -> RunView | None:
        """Return a run with its nodes; None where there is none, or it is another tenant's."""
        if shard_of(run_id) is None:
            return None
        keys = self._store.keys

        def read() -> list[Any]:
            with self._store.at(keys.run(run_id)).pipeline(transaction=True) as pipe:
                pipe.hgetall(keys.run(run_id))
                pipe.hgetall(keys.run(run_id, ":acts"))
                pipe.hmget(keys.run(run_id, ":vals"), ["", OUTPUT])
                pipe.time()
                return pipe.execute()

        fields, records, values, now = self._store.patiently(read)
        time = now[0] + now[1] / 1e6
        _refuse_later(run_id, fields.get("layout"))
        if not fields or (tenant is not None and fields["tenant"] != tenant):
            return None
        records = {path: self._store.seals.shown_record(text, run_id) for path, text in records.items()}
        root = fields.get("root") or ""
        at = OUTPUT
        if root and values[1] is None:
            key = keys.run(run_id, ":vals")
            at = f"{root}{OUTPUT}"
            values[1] = self._store.patiently(lambda: self._store.at(key).hget(key, at))
        given, output = (
            None if text is None else json.loads(self._store.inside(text, run_id, place))
            for text, place in zip(values, ("", at), strict=True)
        )
        summary, shape = self._summary(run_id, fields), own(self._shape(run_id, fields["plan"]), root)
        goes_on = summary.state not in TERMINAL and summary.state is not RunState.PAUSED
        return RunView(
            **{field.name: getattr(summary, field.name) for field in dataclasses.fields(RunSummary)},
            input=given,
            output=output if summary.state is RunState.SUCCEEDED else None,
            nodes=nodes_of(shape, {**fields, "failure": self._failure(run_id, fields) or ""}, records),
            awaits=tuple(beneath(root, found) for found in waiting(shape, records))
            if summary.state not in TERMINAL
            else (),
            stranded=(
                stranded(self._store, run_id, summary.plan, records, time) or in_line(self._store, run_id, fields)
                if goes_on
                else ""
            ),
        )

    def ended(self, run_id: str, tenant: str) -> Ended | None:
        """Return all that is left of a run, for a rerun; None where the tenant has none."""
        state = self.state(run_id)
        found = None if state is None else read_ended(self._store, run_id, self._shape)
        return found if found is not None and found.fields["tenant"] == tenant else None

    def given(self, run_id: str) -> Any:
        """Return the input of a run."""
        key = self._store.keys.run(run_id, ":vals")
        text = self._store.patiently(lambda: self._store.at(key).hget(key, ""))
        return None if text is None else json.loads(self._store.inside(cast("str", text), run_id, ""))

    def awaited(self, run_id: str, path: str) -> Awaited | None:
        """Return what an activation waits for, or may; None where there is no such run, or its stage takes no answer."""
        keys = self._store.keys

        def read() -> list[Any]:
            with self._store.at(keys.run(run_id)).pipeline(transaction=True) as pipe:
                pipe.hmget(keys.run(run_id), ["plan", "layout", "root"])
                pipe.hget(keys.run(run_id, ":acts"), path)
                pipe.hget(keys.run(run_id, ":vals"), f"{path}{ANSWER}")
                return pipe.execute()

        if shard_of(run_id) is None:
            return None
        (plan, layout, root), record, answer = self._store.patiently(read)
        _refuse_later(run_id, layout)
        known = (
            json.loads(self._store.seals.shown_record(record, run_id))
            if record is not None and record.startswith("{")
            else None
        )
        found = None if plan is None else awaited(own(self._shape(run_id, plan), root or ""), path, known)
        if found is None:
            return None
        found = beneath(root or "", found)
        if answer is None:
            return found
        return replace(found, answer=self._store.inside(answer.partition("|")[2], run_id, f"{path}{ANSWER}"))

    def response(self, run_id: str) -> tuple[RunState | None, str | None]:
        """Return a run's state, and the answer (JSON text) that it has given to the request that started it, if any."""
        if shard_of(run_id) is None:
            return None, None
        keys = self._store.keys

        def read() -> list[Any]:
            with self._store.at(keys.run(run_id)).pipeline(transaction=True) as pipe:
                pipe.hmget(keys.run(run_id), ["state", "layout"])
                pipe.hget(keys.run(run_id, ":vals"), RESPONSE)
                return pipe.execute()

        (state, layout), text = self._store.patiently(read)
        _refuse_later(run_id, layout)
        answer = None if text is None else self._store.inside(text, run_id, RESPONSE)
        return None if state is None else RunState(state), answer

    def state(self, run_id: str) -> RunState | None:
        """Return a run's state; None where there is no such run."""
        if shard_of(run_id) is None:
            return None
        key = self._store.keys.run(run_id)
        state, layout = cast(
            "list[str | None]", self._store.patiently(lambda: self._store.at(key).hmget(key, ["state", "layout"]))
        )
        _refuse_later(run_id, layout)
        return None if state is None else RunState(state)

    def is_of(self, run_id: str, tenant: str) -> bool:
        """Whether there is such a run of this tenant; nothing that it keeps is read."""
        if shard_of(run_id) is None:
            return False
        key = self._store.keys.run(run_id)
        owner, layout = cast(
            "list[str | None]", self._store.patiently(lambda: self._store.at(key).hmget(key, ["tenant", "layout"]))
        )
        _refuse_later(run_id, layout)
        return owner == tenant

    def runs(self, tenant: str, limit: int, cursor: str | None, wanted: WantedRuns = ALL_RUNS) -> RunPage:
        """Return a tenant's runs, newest first; raises ValueError for a broken cursor."""

        def read(places: Sequence[Place]) -> list[RunSummary | None]:
            runs = self._summaries([run_id for _, run_id in places])
            return [run if run is not None and wanted.takes(run) else None for run in runs]

        batch = READ if wanted.states or wanted.trigger else limit + 1
        index = Index(self._store, f"runs:{tenant}", read, since=wanted.since, until=wanted.until, batch=batch)
        return RunPage(*index.page(limit, cursor))

    def _summaries(self, run_ids: Sequence[str]) -> list[RunSummary | None]:
        """Read runs in one round trip; None in place of those that are gone, or that a later runtime wrote."""
        keys = [self._store.keys.run(run_id) for run_id in run_ids]

        def ask(pipe: Pipeline, index: int) -> None:
            pipe.hmget(keys[index], _SUMMARY)

        rows = self._store.patiently(lambda: self._store.each(keys, ask))
        known = [(run_id, dict(zip(_SUMMARY, row, strict=True))) for run_id, (row,) in zip(run_ids, rows, strict=True)]
        return [
            self._summary(run_id, fields)
            if fields["state"] is not None and int(fields["layout"] or 1) <= LAYOUT
            else None
            for run_id, fields in known
        ]

    def _summary(self, run_id: str, fields: Mapping[str, str]) -> RunSummary:
        state, ended = RunState(fields["state"]), fields.get("ended")
        return RunSummary(
            id=run_id,
            pipeline=fields.get("pipeline") or self._pipeline,
            state=state,
            tenant=fields["tenant"],
            trigger=fields["trigger"],
            parent=fields.get("parent"),
            plan=fields["plan"],
            created_at=int(fields["created"]) / 1000,
            deadline=(int(fields["deadline"]) + int(fields.get("reserve") or 0)) / 1000,
            ended_at=int(ended) / 1000 if ended is not None else None,
            failure=read_failure(self._failure(run_id, fields), fields.get("root") or "")
            if state in TERMINAL
            else None,
        )

    def _failure(self, run_id: str, fields: Mapping[str, str]) -> str | None:
        text = fields.get("failure")
        return text and self._store.seals.shown_text(text, run_id)

    def _shape(self, run_id: str, plan: str) -> Shape:
        if plan not in self._shapes:
            key = f"{self._store.keys.shard(shard_of(run_id) or 0)}plan:{plan}"
            text = self._store.patiently(lambda: self._store.at(key).get(key))
            if text is None:
                return ()
            self._shapes[plan] = json.loads(str(text))
        return self._shapes[plan]

    def is_alike(self, run_id: str, plan: str, shape: str) -> bool:
        """Whether a plan that is kept with a run has the stages and nodes of a shape (JSON text)."""
        return shard_of(run_id) is not None and is_alike(self._shape(run_id, plan), json.loads(shape))

    def events(self, run_id: str, after: str, block: float, limit: int) -> list[Event]:
        """Return events after an id; waits up to `block` seconds for the first. Raises ValueError for a broken id."""
        return [] if shard_of(run_id) is None else self.news({run_id: after}, block, limit).get(run_id, [])

    def news(self, after: Mapping[str, str], block: float, limit: int) -> dict[str, list[Event]]:
        """Return events of runs of one shard, after an id each and at most `limit` of each; waits up to `block` seconds for the first."""
        for each in after.values():
            _event_id(each)
        runs = {self._store.keys.run(run_id, ":events"): run_id for run_id in after}
        since: dict[Any, Any] = {key: after[run_id] for key, run_id in runs.items()}
        # The socket's own time-out stays longer than the wait.
        wait = int(min(block, self._store.settings.socket_timeout * 0.8) * 1000) or None
        answer = cast(
            "list[Any] | dict[str, Any]",
            self._store.patiently(lambda: self._store.at(next(iter(runs))).xread(since, count=limit, block=wait)),
        )
        streams = answer.items() if isinstance(answer, dict) else answer or ()
        return {
            runs[key]: [self._event(runs[key], event_id, fields) for event_id, fields in _flat(entries)]
            for key, entries in streams
        }

    def _event(self, run_id: str, event_id: str, fields: Mapping[str, str]) -> Event:
        data = json.loads(fields["data"]) if fields.get("data") else None
        at = int(event_id.split("-", maxsplit=1)[0]) / 1000
        return Event(event_id, fields["type"], at, fields.get("path"), self._store.seals.shown_event(data, run_id))

    def figures(self) -> Figures:
        """Return what the metrics show."""
        return self._store.patiently(self._figures)

    def _figures(self) -> Figures:
        counts: dict[str, int] = {}
        ready: dict[str, int] = {}
        oldest: dict[str, float] = {}
        limited: dict[str, int] = {}
        open_runs: dict[str, int] = {}
        tenants: dict[str, int] = {}
        eldest: dict[str, float] = {}
        dead, lag = 0, 0.0
        for shard in range(self._store.settings.shards):
            prefix = self._store.keys.shard(shard)
            client = self._store.at(prefix)
            with client.pipeline(transaction=False) as pipe:
                pipe.time()
                pipe.hgetall(f"{prefix}stats")
                pipe.zcard(f"{prefix}dead")
                pipe.smembers(f"{prefix}queues")
                pipe.smembers(f"{prefix}lines")
                pipe.hgetall(f"{prefix}tenants")
                pipe.zrange(f"{prefix}due", 0, 0, withscores=True)
                for state in _OPEN:
                    pipe.zcard(f"{prefix}state:{state}")
                    pipe.zrange(f"{prefix}state:{state}", 0, 0, withscores=True)
                (seconds, micros), stats, letters, queues, lines, opened, first, *states = pipe.execute()
            now = seconds + micros / 1e6
            lag = max(lag, _since(first, now))
            for state, count, top in zip(_OPEN, states[::2], states[1::2], strict=True):
                open_runs[state] = open_runs.get(state, 0) + count
                eldest[state] = max(eldest.get(state, 0.0), _since(top, now))
            names, lines = sorted(queues), sorted(lines)
            with client.pipeline(transaction=False) as pipe:
                for queue in names:
                    pipe.zcard(f"{prefix}ready:{queue}")
                    pipe.zrange(f"{prefix}ready:{queue}", 0, 0, withscores=True)
                for line in lines:
                    pipe.zcard(f"{prefix}line:{line}")
                waiting = pipe.execute()
            for name, count in stats.items():
                counts[name] = counts.get(name, 0) + int(count)
            for tenant, count in opened.items():
                tenants[tenant] = tenants.get(tenant, 0) + int(count)
            dead += letters
            for line, length in zip(lines, waiting[2 * len(names) :], strict=True):
                connection = line.split("|", 1)[0]
                limited[connection] = limited.get(connection, 0) + length
            del waiting[2 * len(names) :]
            since = self._waiting_since(prefix, [top[0] if top else None for top in waiting[1::2]])
            for queue, depth, moment in zip(names, waiting[::2], since, strict=True):
                ready[queue] = ready.get(queue, 0) + depth
                oldest[queue] = max(oldest.get(queue, 0.0), 0.0 if moment is None else now - moment)
        return Figures(counts, ready, oldest, limited, dead, open_runs, eldest, lag, tenants=tenants)

    def _waiting_since(self, prefix: str, tops: Sequence[tuple[str, float] | None]) -> list[float | None]:
        """Return since when (Unix seconds) entries of queues have waited; None where there is none, or it was claimed meanwhile.

        A score ends with that moment, or where tenants share the queue with a tag, which tells no time: then the record does.
        """
        moments = [None if top is None else top[1] % 1e13 / 1000 for top in tops]
        tagged = [at for at, moment in enumerate(moments) if moment is not None and moment < TAGS / 1000]
        if not tagged:
            return moments
        with self._store.at(prefix).pipeline(transaction=False) as pipe:
            for at in tagged:
                run, _, path = (tops[at] or ("", 0.0))[0].partition("|")
                pipe.hget(f"{prefix}run:{run}:acts", path)
            for at, text in zip(tagged, pipe.execute(), strict=True):
                record = json.loads(text or "{}")
                moments[at] = record[Record.WAITING_SINCE] / 1000 if Record.WAITING_SINCE in record else None
        return moments

    def open_runs(self) -> list[str]:
        """Return the ids of all runs that the servers hold, found by scanning; for reconciling after a restart."""
        runs: list[str] = []
        for shard in range(self._store.settings.shards):
            prefix = f"{self._store.keys.shard(shard)}run:"
            for key in self._store.at(prefix).scan_iter(match=f"{_literal(prefix)}*", count=1000, _type="hash"):
                run_id = str(key).removeprefix(prefix)
                if shard_of(run_id) is not None:
                    runs.append(run_id)
        return runs

    def server_run_id(self) -> str:
        """Return the id that the server took when it started; of several, all of them, and another one where one took over."""
        return " ".join(sorted(str(client.info("server").get("run_id", "")) for client in self._store.way.all()))


def _since(top: Sequence[tuple[str, float]], now: float) -> float:
    """Return the seconds that have passed since the first of a set was due, whose scores are Unix milliseconds; 0: none was."""
    return max(0.0, now - top[0][1] / 1000) if top else 0.0


def _refuse_later(run_id: str, layout: str | None) -> None:
    """Raise NewerLayoutError for a run that a later runtime wrote."""
    if layout is not None and int(layout) > LAYOUT:
        raise NewerLayoutError(f"LAYOUT {layout} of run {run_id}")


def _flat(stream: list[Any]) -> list[Any]:
    """Redis-py nests a stream's entries once more under RESP3."""
    return [entry for part in stream for entry in part] if stream and isinstance(stream[0], list) else stream


def _event_id(text: str) -> None:
    first, _, second = text.partition("-")
    if not (
        first.isdigit()
        and first.isascii()
        and len(first) <= 20
        and (not second or (second.isdigit() and len(second) <= 20))
    ):
        raise ValueError(f"not an event's id: {text!r}")


def _literal(prefix: str) -> str:
    """Escape a prefix for MATCH."""
    return "".join(f"\\{char}" if char in "*?[]\\" else char for char in prefix)
