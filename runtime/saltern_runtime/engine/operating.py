"""What people do to the runs of a service: pause, resume, replay, rerun, and the dead letters. Behind the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from saltern_runtime.engine.reruns import RefusedError, rerun_of
from saltern_runtime.spec import Json
from saltern_runtime.store.calls import Bell
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.letters import DeadLetter, LetterPage, Letters, Wanted
from saltern_runtime.store.operating import Operated, audited
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import Store

TRIES: Final = 3
"""How often a run is looked at that changes meanwhile."""
MOST: Final = 100
"""Runs that one call replays, or letters that it discards, at most."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and why: both are audited."""

    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of many: each run or letter and its verdict; `cursor` goes on behind them, None at the end."""

    done: tuple[tuple[str, str, str], ...]
    """Of each: the run, the path, the verdict."""
    cursor: str | None


class Operator:
    """Operates the runs of one service."""

    def __init__(self, store: Store, reader: Reader, pipeline: str, ring: Callable[[Sequence[Bell]], None]) -> None:
        """`pipeline`: what the service runs; `ring` sends bells."""
        self._store, self._reader = store, reader
        self._ring = ring
        self._letters = Letters(store, pipeline)

    def pause(self, run_id: str, tenant: str, by: By) -> Operated:
        """Let nothing more of a run begin; what runs is recorded."""
        return self._rung(self._store.pause(run_id, tenant, new_nonce(), audited("pause", by.name, by.why)))

    def resume(self, run_id: str, tenant: str, by: By) -> Operated:
        """Let a run go on that was paused."""
        return self._rung(self._store.resume(run_id, tenant, new_nonce(), audited("resume", by.name, by.why)))

    def replay(self, run_id: str, tenant: str, by: By) -> Operated:
        """Let a run that failed, or reached its deadline, go on from where that cut it off."""
        return self._rung(self._store.replay(run_id, tenant, new_nonce(), audited("replay", by.name, by.why)))

    def rerun(self, run_id: str, tenant: str, node: str, by: By) -> Operated:
        """Let a run that is over begin anew at a node, and at all that comes behind it; what that needs is taken from before."""
        for _ in range(TRIES):
            ended = self._reader.ended(run_id, tenant)
            if ended is None:
                return Operated("missing")
            try:
                batches = rerun_of(ended, node)
            except RefusedError as error:
                return Operated(error.verdict)
            audit = audited("rerun", by.name, by.why, node=node)
            done = self._store.rerun(ended, tenant, new_nonce(), audit, batches)
            if done.verdict != "changed":
                return self._rung(done)
        return Operated("open")

    def discard(self, run_id: str, path: str, tenant: str, by: By) -> Operated:
        """Take a dead letter away: nobody needs to look after it."""
        return self._store.discard(run_id, path, tenant, audited("discard", by.name, by.why))

    def letters(self, tenant: str, limit: int, cursor: str | None, wanted: Wanted) -> LetterPage:
        """Return dead letters, newest first; ValueError for a broken cursor."""
        return self._letters.page(tenant, limit, cursor, wanted)

    def letters_of(self, run_id: str, tenant: str) -> tuple[DeadLetter, ...]:
        """Return the dead letters of one run, by path."""
        return self._letters.of_run(run_id, tenant)

    def replay_all(self, tenant: str, by: By, wanted: Wanted, cursor: str | None = None) -> Batch:
        """Replay the runs of dead letters that are looked for: those of one page; ValueError for a broken cursor."""
        known: dict[str, Operated] = {}

        def replay(letter: DeadLetter) -> Operated:
            if letter.run not in known:  # a run may have several letters
                known[letter.run] = self.replay(letter.run, tenant, by)
            return known[letter.run]

        return self._each(tenant, wanted, cursor, replay)

    def discard_all(self, tenant: str, by: By, wanted: Wanted, cursor: str | None = None) -> Batch:
        """Discard dead letters that are looked for: those of one page; ValueError for a broken cursor."""
        return self._each(tenant, wanted, cursor, lambda letter: self.discard(letter.run, letter.path, tenant, by))

    def _each(self, tenant: str, wanted: Wanted, cursor: str | None, what: Callable[[DeadLetter], Operated]) -> Batch:
        page = self.letters(tenant, MOST, cursor, wanted)
        done = tuple((letter.run, letter.path, what(letter).verdict) for letter in page.letters)
        return Batch(done, page.cursor)

    def audit(self, run_id: str) -> list[dict[str, Json]]:
        """Return what was done to a run: who, what, why, and when (Unix seconds)."""
        return self._store.audit(run_id)

    def _rung(self, done: Operated) -> Operated:
        self._ring(done.bells)
        return done
