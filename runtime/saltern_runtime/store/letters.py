"""Reading dead letters: activations that failed for good, until somebody dealt with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.client import Pipeline

from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.link import Link
from saltern_runtime.store.newest import Index, Place
from saltern_runtime.store.records import LAYOUT, Record
from saltern_runtime.store.showing import read_failure
from saltern_runtime.store.views import ActivationState, Failure, RunState


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An activation that failed for good. Times are Unix seconds of the store's clock."""

    run: str
    path: str
    """The activation: `charge`, `orders[3]/charge`."""
    node: str
    """The node that failed; the stage's name where none is to blame."""
    at: float
    state: ActivationState
    attempts: int
    failure: Failure | None
    pipeline: str
    run_state: RunState
    trigger: str
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters are looked for; what is None takes all."""

    node: str | None = None
    code: str | None = None
    kind: str | None = None
    pipeline: str | None = None
    since: float | None = None
    """Unix seconds."""
    until: float | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether a letter is among them."""
        failure = letter.failure
        return (
            self.node in (None, letter.node)
            and self.pipeline in (None, letter.pipeline)
            and self.code in (None, failure and failure.code)
            and self.kind in (None, failure and failure.kind)
        )


@dataclass(frozen=True, slots=True)
class LetterPage:
    """A page of dead letters, newest first; `cursor` continues it, None at the end."""

    letters: tuple[DeadLetter, ...]
    cursor: str | None


class Letters:
    """Shows the dead letters of a store."""

    def __init__(self, store: Link, pipeline: str) -> None:
        self._store = store
        self._pipeline = pipeline

    def page(self, tenant: str, limit: int, cursor: str | None, wanted: Wanted) -> LetterPage:
        """Return a tenant's letters, newest first; ValueError for a broken cursor."""

        def read(places: Sequence[Place]) -> list[DeadLetter | None]:
            letters = self._read(places)
            return [letter if letter is not None and wanted.takes(letter) else None for letter in letters]

        index = Index(self._store, f"dead:{tenant}", read, since=wanted.since, until=wanted.until)
        return LetterPage(*index.page(limit, cursor))

    def of_run(self, run_id: str, tenant: str) -> tuple[DeadLetter, ...]:
        """Return the letters of one run, by path."""
        shard = shard_of(run_id)
        if shard is None:
            return ()
        acts, key = self._store.keys.run(run_id, ":acts"), f"{self._store.keys.shard(shard)}dead:{tenant}"
        paths: Any = self._store.patiently(lambda: self._store.at(acts).hkeys(acts))
        members = [f"{run_id}|{path}" for path in sorted(paths)]
        scores: Any = self._store.patiently(lambda: self._store.at(key).zmscore(key, members)) if members else []
        places = [(score, member) for score, member in zip(scores, members, strict=True) if score is not None]
        return tuple(letter for letter in self._read(places) if letter is not None)

    def _read(self, places: Sequence[Place]) -> list[DeadLetter | None]:
        fields = ["tenant", "pipeline", "state", "trigger", "plan", "layout", "root"]

        members = [member.partition("|") for _, member in places]
        keys = [self._store.keys.run(run) for run, _, _ in members]

        def ask(pipe: Pipeline, index: int) -> None:
            pipe.hmget(keys[index], fields)
            pipe.hget(f"{keys[index]}:acts", members[index][2])

        answers = self._store.patiently(lambda: self._store.each(keys, ask))
        return [
            self._letter(at / 1000, member, dict(zip(fields, run, strict=True)), record)
            for (at, member), (run, record) in zip(places, answers, strict=True)
        ]

    def _letter(self, at: float, member: str, run: Mapping[str, str | None], text: str | None) -> DeadLetter | None:
        if run["state"] is None or int(run["layout"] or 1) > LAYOUT:
            return None
        run_id, _, path = member.partition("|")
        text = text and self._store.seals.shown_record(text, run_id)
        record = json.loads(text) if text is not None and text.startswith("{") else {}
        root = run["root"] or ""
        failure = read_failure(record.get(Record.FAILURE), root)
        stage = path.rpartition("]/")[2] if "]/" in path else path
        return DeadLetter(
            run=run_id,
            path=path,
            node=failure.node if failure is not None and failure.node is not None else stage.removeprefix(root),
            at=at,
            state=ActivationState(record.get(Record.STATE, "BLOCKED")),
            attempts=record.get(Record.ATTEMPTS, 0),
            failure=failure,
            pipeline=run["pipeline"] or self._pipeline,
            run_state=RunState(run["state"]),
            trigger=run["trigger"] or "",
            plan=run["plan"] or "",
        )
