"""The store: one method a script. Nothing else writes the keys, and `reading` alone reads them.

Every call may be sent twice, by a client that lost the reply or by this module after a broken connection: the caller mints
the nonces, and the same call again returns its first answer.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, Final, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as LostConnectionError,
)
from redis.exceptions import (
    TimeoutError as SlowReplyError,
)
from redis.retry import Retry

from saltern_runtime.observe.metrics import bucket_of
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import (
    Answer,
    Bell,
    Claim,
    Created,
    Failed,
    NewRun,
    Outcome,
    Status,
    read_bells,
    read_claim,
)
from saltern_runtime.store.keys import Keys, new_nonce, shard_of
from saltern_runtime.store.payloads import INLINE, MARK, PayloadStore, RedisPayloads

R = TypeVar("R")
_compact: Final = json.JSONEncoder(separators=(",", ":")).encode
log = logging.getLogger("saltern.store")

RING: Final = 1.0
"""Seconds until a bell that nobody answered is rung again; doubles each time, to a minute."""
_RESENT: Final = (
    LostConnectionError, SlowReplyError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, TryAgainError,
)  # fmt: skip


class StoreUnavailableError(ConnectionError):
    """Redis could not be reached for as long as the caller was willing to wait."""


class StoreUnfitError(RuntimeError):
    """The server's settings do not allow what was promised; says what to change."""


@cache
def _script(name: str) -> tuple[str, str]:
    folder = resources.files("saltern_runtime.store") / "scripts"
    text = folder.joinpath("prelude.lua").read_text("utf-8") + "\n" + folder.joinpath(f"{name}.lua").read_text("utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Store:
    """The run state of one service. Connections are opened lazily in each process, so that it may cross a fork."""

    def __init__(
        self, service: str, settings: Settings, *, patience: float = 2.0, payloads: PayloadStore | None = None
    ) -> None:
        """`patience`: seconds for which a call is sent again while Redis cannot be reached."""
        self.keys = Keys(service)
        self.settings = settings
        self.patience = patience
        self._payloads = payloads
        self._pid = 0
        self._redis: redis.Redis | None = None
        self._times = {"lease": int(settings.lease * 1000), "bells": settings.bells, "ring": int(RING * 1000)}

    # Connections

    @property
    def client(self) -> redis.Redis:
        """This process's client."""
        if self._redis is None or self._pid != os.getpid():
            timeout = self.settings.socket_timeout
            self._redis = redis.Redis.from_url(
                self.settings.redis_url,
                decode_responses=True,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                retry=Retry(NoBackoff(), 1),
                protocol=2,  # parsed by redis-py in two thirds of the time that RESP3 takes
            )
            self._pid = os.getpid()
        return self._redis

    @property
    def payloads(self) -> PayloadStore:
        """Where big values live."""
        return self._payloads or RedisPayloads(self.client, self.keys)

    def close(self) -> None:
        """Close this process's connections."""
        if self._redis is not None and self._pid == os.getpid():
            self._redis.close()
        self._redis = None

    def ping(self) -> None:
        """Raise StoreUnavailableError unless Redis answers at once."""
        self.patiently(self.client.ping, patience=0)

    def check(self) -> None:
        """Raise StoreUnfitError where the server would lose what is promised; call it at start."""
        policy = self.patiently(lambda: self.client.info("memory")).get("maxmemory_policy")
        if policy not in (None, "noeviction"):
            raise StoreUnfitError(
                f"Redis evicts keys (maxmemory-policy {policy}), which loses runs: set it to noeviction"
            )
        if self.settings.durability != "fsync":
            return
        known: Any = self.client.execute_command("COMMAND INFO", "WAITAOF")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        if not known or not any(known.values() if isinstance(known, dict) else known):
            raise StoreUnfitError(
                "durability fsync needs WAITAOF (Redis 7.2 or Valkey): use a newer server, or set SALTERN_DURABILITY=none"
            )
        if self.client.info("persistence").get("aof_enabled") != 1:
            raise StoreUnfitError("durability fsync needs an append-only file: set appendonly yes on the server")

    def patiently(self, action: Callable[[], R], patience: float | None = None) -> R:
        """Do something with Redis again and again while it cannot be reached, then raise StoreUnavailableError."""
        end = time.monotonic() + (self.patience if patience is None else patience)
        wait = 0.02
        while True:
            try:
                return action()
            except _RESENT as error:
                if time.monotonic() >= end:
                    raise StoreUnavailableError(f"cannot reach Redis: {error}") from error
                log.warning("redis cannot be reached, sending again: %s", error)
                time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - jitter
                wait = min(wait * 2, 1.0)

    def _send(
        self, name: str, shard: int, call: Mapping[str, Any], *args: str, patience: float | None = None
    ) -> list[str]:
        given = {"op": name} | {key: value for key, value in call.items() if value is not None}
        text = _compact(given)
        body, sha = _script(name)
        prefix = self.keys.shard(shard)

        def once() -> list[str]:
            try:
                return cast("list[str]", self.client.evalsha(sha, 1, prefix, text, *args))
            except NoScriptError:
                return cast("list[str]", self.client.eval(body, 1, prefix, text, *args))

        return self.patiently(once, patience)

    # Scripts

    def create(self, new: NewRun) -> Created:
        """Make a run, once for each idempotency key."""
        shard = _shard(new.id)
        call = {
            "run": new.id,
            "plan": new.plan,
            "tenant": new.tenant,
            "trigger": new.trigger,
            "body": new.body,
            "idem": new.idempotency,
            "deadline": int(new.deadline * 1000),
            "retention": int(new.retention * 1000),
            "entries": new.entries,
            **self._times,
        }
        status, run, bells = self._send(
            "create", shard, call, self._outside(new.id, new.input, new.deadline + new.retention)
        )
        if self.settings.durability == "fsync":
            self._on_disk(shard)
        return Created(cast("Any", status), run, read_bells(shard, bells))

    def _on_disk(self, shard: int) -> None:
        """Wait until all that was written so far is on disk: the file has an order, and this connection writes last."""
        key = self.keys.shard(shard) + "fsync"

        def once() -> object:
            with self.client.pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.waitaof(1, 0, int(self.settings.socket_timeout * 900))
                return pipe.execute()[1]

        local = cast("list[int]", self.patiently(once))[0]
        if local < 1:
            raise StoreUnavailableError("the run was written, but Redis did not confirm that it is on disk")

    def answer(self, bell: Bell, nonce: str) -> Answer:
        """Answer a bell and claim what is most urgent in its queue."""
        call = {"queue": bell.queue, "slot": bell.slot, "serial": bell.serial, "claim": nonce, **self._times}
        return self._answered(bell.shard, self._send("answer", bell.shard, call))

    def advance(self, claim: Claim, outcome: Outcome, next_nonce: str | None, *, keep: float = 604_800.0) -> Answer:
        """Record a stage's outcome, make its dependants ready, claim what comes next (nothing without a nonce)."""
        shard = _shard(claim.run)
        call = {
            "run": claim.run,
            "path": claim.path,
            "nonce": claim.nonce,
            "state": outcome.state,
            "dependants": outcome.dependants,
            "durations": outcome.durations,
            "failure": outcome.failure,
            "claim": next_nonce,
            **self._times,
        }
        if outcome.seconds is not None:
            call["ms"] = round(outcome.seconds * 1000)
            call["bucket"] = bucket_of(outcome.seconds)
        args: list[str] = []
        for node, value in outcome.values.items():
            args += (node, self._outside(claim.run, value, claim.time_left + keep))
        return self._answered(shard, self._send("advance", shard, call, *args))

    def fail(self, claim: Claim, failed: Failed, next_nonce: str | None) -> Answer:
        """Record that an attempt failed: wait for the next one, or end the run; claim what comes next."""
        shard = _shard(claim.run)
        call = {
            "run": claim.run,
            "path": claim.path,
            "nonce": claim.nonce,
            "failure": failed.failure,
            "delay": None if failed.delay is None else int(failed.delay * 1000),
            "state": failed.state,
            "dead": failed.dead,
            "claim": next_nonce,
            **self._times,
        }
        return self._answered(shard, self._send("fail", shard, call))

    def extend(self, claim: Claim) -> Status:
        """Keep a claim for one more lease."""
        shard = _shard(claim.run)
        call = {"run": claim.run, "path": claim.path, "nonce": claim.nonce, **self._times}
        return cast("Status", self._send("extend", shard, call, patience=0)[0])

    def release(self, claim: Claim) -> Answer:
        """Hand a claim back; no attempt is counted."""
        shard = _shard(claim.run)
        call = {"run": claim.run, "path": claim.path, "nonce": claim.nonce, **self._times}
        return self._answered(shard, self._send("release", shard, call))

    def take_due(
        self, shard: int, replica: str, nonce: str | None = None, *, gap: bool = False
    ) -> tuple[int, tuple[Bell, ...]]:
        """Do what is due, at most 64 entries; returns how many there were, and bells. `gap`: no lease is to be trusted yet."""
        call = {
            "replica": replica,
            "nonce": nonce or new_nonce(),
            "sweep": int(self.settings.sweep * 1000),
            "gap": True if gap else None,
            **self._times,
        }
        due, bells = self._send("take_due", shard, call)
        return int(due), read_bells(shard, bells)

    def cancel(self, run_id: str, tenant: str, failure: str) -> tuple[str | None, tuple[Bell, ...]]:
        """End a run early; returns the state it is in now, None where the tenant has no such run."""
        shard = shard_of(run_id)
        if shard is None:
            return None, ()
        call = {"run": run_id, "tenant": tenant, "failure": failure, **self._times}
        state, bells = self._send("cancel", shard, call)
        return None if state == "missing" else state, read_bells(shard, bells)

    def reconcile(self, run_id: str) -> tuple[Bell, ...]:
        """Put back timers, places in queues and bells of a run after a server came back with another run id."""
        shard, cursor = _shard(run_id), "0"
        bells: list[Bell] = []
        while True:
            cursor, rung = self._send("reconcile", shard, {"run": run_id, "cursor": cursor, **self._times})
            bells.extend(read_bells(shard, rung))
            if cursor == "0":
                return tuple(bells)

    def keep_plan(self, plan: str, graph: str) -> None:
        """Keep a plan's graph (JSON text), so that an API of any version can show its runs."""
        for shard in range(self.settings.shards):
            self.patiently(lambda at=shard: self.client.set(f"{self.keys.shard(at)}plan:{plan}", graph, nx=True))  # type: ignore[misc]  # mypy cannot infer a lambda with a default

    # Values

    def _outside(self, run_id: str, text: str, keep: float) -> str:
        if len(text) * 4 <= INLINE or len(text.encode()) <= INLINE:
            return text
        return MARK + self.patiently(lambda: self.payloads.put(run_id, text, keep))

    def inside(self, text: str) -> str:
        """Fetch a value that is kept by reference."""
        if not text.startswith(MARK):
            return text
        found = self.patiently(lambda: self.payloads.get(text.removeprefix(MARK)))
        if found is None:
            raise StoreUnfitError("a value kept by reference is gone")
        return found

    def _answered(self, shard: int, reply: list[str]) -> Answer:
        status, bells, *parts = reply
        claim = read_claim(parts) if parts else None
        if claim is not None and any(value.startswith(MARK) for value in claim.values.values()):
            claim = replace(claim, values={name: self.inside(value) for name, value in claim.values.items()})
        return Answer(cast("Status", status), read_bells(shard, bells), claim)


def _shard(run_id: str) -> int:
    shard = shard_of(run_id)
    if shard is None:
        raise ResponseError(f"not a run's id: {run_id!r}")
    return shard
