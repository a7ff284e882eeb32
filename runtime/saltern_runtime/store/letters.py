"""Reading dead letters: activations that failed for good, until somebody dealt with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.link import Link
from saltern_runtime.store.records import LAYOUT, Record
from saltern_runtime.store.showing import read_failure
from saltern_runtime.store.views import ActivationState, Failure, RunState

_READ: Final = 200
"""Letters that one round trip reads."""
_SCANNED: Final = 5000
"""Letters that are looked at for one page; what follows is for the next one."""


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
        """Return a tenant's letters, newest first. The cursor is the last place looked at; ValueError for a broken one."""
        top = float("inf") if wanted.until is None else wanted.until * 1000
        before, last = (top, "") if cursor is None else _read_cursor(cursor)
        bottom = "-inf" if wanted.since is None else str(wanted.since * 1000)
        found: list[DeadLetter] = []
        for looked, (place, letter) in enumerate(self._newest(tenant, before, last, bottom), start=1):
            if letter is not None and wanted.takes(letter):
                found.append(letter)
            if len(found) >= limit or looked >= _SCANNED:
                return LetterPage(tuple(found), f"{int(place[0])}.{place[1]}")
        return LetterPage(tuple(found), None)

    def _newest(
        self, tenant: str, before: float, last: str, bottom: str
    ) -> Iterator[tuple[tuple[float, str], DeadLetter | None]]:
        """Yield places and what stands there of all shards from one on, newest first; None where its run is gone."""
        while True:
            places: list[tuple[float, str]] = []
            for shard in range(self._store.settings.shards):
                places += self._places(shard, tenant, before, last, bottom)
            places.sort(reverse=True)
            batch = places[:_READ]
            yield from zip(batch, self._read(batch), strict=True)
            if len(batch) < _READ:
                return
            before, last = batch[-1]

    def _places(self, shard: int, tenant: str, before: float, last: str, bottom: str) -> list[tuple[float, str]]:
        key = f"{self._store.keys.shard(shard)}dead:{tenant}"
        top = "+inf" if before == float("inf") else str(int(before))
        places: list[tuple[float, str]] = []
        start = 0
        while len(places) < _READ:
            page: Any = self._store.patiently(
                lambda at=start: self._store.client.zrevrangebyscore(  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                    key, top, bottom, start=at, num=_READ, withscores=True
                )
            )
            places += [(score, member) for member, score in page if not last or (score, member) < (before, last)]
            start += len(page)
            if len(page) < _READ:
                break
        return places

    def _read(self, places: list[tuple[float, str]]) -> list[DeadLetter | None]:
        fields = ["tenant", "pipeline", "state", "trigger", "plan", "layout", "root"]

        def read() -> list[Any]:
            with self._store.client.pipeline(transaction=False) as pipe:
                for _, member in places:
                    run, _, path = member.partition("|")
                    pipe.hmget(self._store.keys.run(run), fields)
                    pipe.hget(self._store.keys.run(run, ":acts"), path)
                return pipe.execute()

        answers = self._store.patiently(read) if places else []
        return [
            self._letter(at / 1000, member, dict(zip(fields, run, strict=True)), record)
            for (at, member), run, record in zip(places, answers[::2], answers[1::2], strict=True)
        ]

    def _letter(self, at: float, member: str, run: Mapping[str, str | None], text: str | None) -> DeadLetter | None:
        if run["state"] is None or int(run["layout"] or 1) > LAYOUT:
            return None
        run_id, _, path = member.partition("|")
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


def _read_cursor(text: str) -> tuple[float, str]:
    score, _, member = text.partition(".")
    if not (score.isdigit() and score.isascii() and len(score) <= 16) or shard_of(member.partition("|")[0]) is None:
        raise ValueError(f"not a cursor: {text!r}")
    return float(score), member
