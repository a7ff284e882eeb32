"""The way to the store's server: connections, patience, scripts by their names."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypedDict, TypeVar, cast

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

from saltern_runtime.settings import Settings
from saltern_runtime.store import contract
from saltern_runtime.store.failures import (
    PayloadsUnreachableError,
    StoreUnavailableError,
    StoreUnfitError,
    ValueGoneError,
)
from saltern_runtime.store.keys import Keys
from saltern_runtime.store.objects import ObjectPayloads
from saltern_runtime.store.payloads import INLINE, MARK, PayloadGoneError, PayloadsByForm, PayloadStore, RedisPayloads
from saltern_runtime.store.proving import prove
from saltern_runtime.store.records import LAYOUT
from saltern_runtime.store.scripts import Call, text_of
from saltern_runtime.store.sealing import MARK as SEALED
from saltern_runtime.store.sealing import Seals

R = TypeVar("R")
compact: Final = json.JSONEncoder(separators=(",", ":")).encode
log = logging.getLogger("saltern.store")

RING: Final = 1.0
"""Seconds until a bell that nobody answered is rung again; doubles each time, to a minute."""
_RESENT: Final = (
    LostConnectionError, SlowReplyError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, TryAgainError,
    PayloadsUnreachableError,
)  # fmt: skip


class _Rings(TypedDict):
    bells: int
    ring: int


class _Claims(_Rings):
    lease: int


class NewerLayoutError(StoreUnfitError):
    """A run was written by a later runtime, which alone may touch it."""

    told = "a later version of this service wrote the run, and alone may touch it"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"a later saltern-runtime wrote this run ({what}; this one knows {LAYOUT}): upgrade this process"
        )


contract.check()


class Link:
    """Connections of one service, opened lazily in each process, so that it may cross a fork."""

    def __init__(
        self, service: str, settings: Settings, *, patience: float = 2.0, payloads: PayloadStore | None = None
    ) -> None:
        """`patience`: seconds for which a call is sent again while Redis cannot be reached."""
        self.keys = Keys(service)
        self.settings = settings
        self.patience = patience
        self.seals = Seals(settings.encryption_keys, service)
        self._payloads = payloads
        self._payloads_pid = 0
        self._pid = 0
        self._redis: redis.Redis | None = None
        self._own = threading.local()
        self._signing: dict[int, bytes] = {}
        self._lease = int(settings.lease * 1000)
        self._rings: _Rings = {"bells": settings.bells, "ring": int(RING * 1000)}

    @property
    def _claims(self) -> _Claims:
        return {**self._rings, "lease": self._lease}

    # Connections

    @property
    def client(self) -> redis.Redis:
        """This process's client."""
        if self._redis is None or self._pid != os.getpid():
            self._redis = self._connect()
            self._pid = os.getpid()
        return self._redis

    @property
    def _scripts(self) -> redis.Redis:
        """This thread's own connection, for scripts: taking one from the pool for each call costs more (`python -m bench.runtime`)."""
        if getattr(self._own, "pid", 0) != os.getpid():
            self._own.redis = self._connect(single_connection_client=True)
            self._own.pid = os.getpid()
        client: redis.Redis = self._own.redis
        return client

    def _connect(self, *, decode: bool = True, **more: Any) -> redis.Redis:
        timeout = self.settings.socket_timeout
        return redis.Redis.from_url(
            self.settings.redis_url,
            decode_responses=decode,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1),
            protocol=2,  # parsed by redis-py in two thirds of the time that RESP3 takes
            **more,
        )

    @property
    def payloads(self) -> PayloadStore:
        """Where big values live."""
        if self._payloads is None or self._payloads_pid not in (0, os.getpid()):
            place, in_redis = self.settings.payloads, RedisPayloads(self._connect(decode=False), self.keys)
            outside = None if place.kind == "redis" else ObjectPayloads(place, self.keys.service)
            self._payloads, self._payloads_pid = PayloadsByForm(in_redis, outside), os.getpid()
        return self._payloads

    def close(self) -> None:
        """Close this process's connections."""
        if self._redis is not None and self._pid == os.getpid():
            self._redis.close()
        self._redis = None
        self._own = threading.local()  # each thread's connection closes with its last reference

    def ping(self) -> None:
        """Raise StoreUnavailableError unless Redis answers at once."""
        self.patiently(self.client.ping, patience=0)

    def check(self) -> None:
        """Raise StoreUnfitError where the server would lose what is promised, or nothing can be sealed; call it at start.

        The place of payloads is tried out in a process of its own, so that this one may fork afterwards.
        """
        self.seals.check()
        policy = self.patiently(lambda: self.client.info("memory")).get("maxmemory_policy")
        if policy not in (None, "noeviction"):
            raise StoreUnfitError(
                f"Redis evicts keys (maxmemory-policy {policy}), which loses runs: set it to noeviction"
            )
        if self.settings.durability == "fsync":
            self._check_file()
        try:
            prove(self.settings.payloads, self.keys.service)
        except PayloadsUnreachableError as error:
            log.warning("%s; going on, since that may pass", error)

    def _check_file(self) -> None:
        known: Any = self.client.execute_command("COMMAND INFO", "WAITAOF")  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        if not known or not any(known.values() if isinstance(known, dict) else known):
            raise StoreUnfitError(
                "durability fsync needs WAITAOF (Redis 7.2 or Valkey): use a newer server, or set SALTERN_DURABILITY=none"
            )
        if self.client.info("persistence").get("aof_enabled") != 1:
            raise StoreUnfitError("durability fsync needs an append-only file: set appendonly yes on the server")

    def patiently(self, action: Callable[[], R], patience: float | None = None) -> R:
        """Do something with the store again and again while it cannot be reached, then raise StoreUnavailableError.

        The place of payloads is not waited for as long as Redis: while Redis can be reached, leases go on.
        """
        patience = self.patience if patience is None else patience
        began = time.monotonic()
        wait = 0.02
        while True:
            try:
                return action()
            except _RESENT as error:
                is_beside = isinstance(error, PayloadsUnreachableError)
                if time.monotonic() >= began + (min(patience, self.settings.lease / 6) if is_beside else patience):
                    if is_beside:
                        raise
                    raise StoreUnavailableError(f"cannot reach Redis: {error}") from error
                log.warning("the store cannot be reached, sending again: %s", error)
                time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - jitter
                wait = min(wait * 2, 1.0)

    def _outside(self, run_id: str, place: str, text: str, keep: float) -> str:
        """Return a value as it is kept at a place of a run: sealed where there are keys, and by reference where it is large."""
        if self.seals:
            raw = self.seals.sealed(text.encode(), run_id, place)
            if len(raw) * 4 <= INLINE * 3:
                return self.seals.text(raw)
        elif len(text) * 4 <= INLINE or len(text.encode()) <= INLINE:
            return text
        else:
            raw = text.encode()
        return MARK + self.patiently(lambda: self.payloads.write(run_id, hashlib.sha256(raw).hexdigest(), [raw], keep))

    def inside(self, text: str, run_id: str, *places: str) -> str:
        """Return a value that is kept at one of these places of a run: fetch it, open it. Raises ValueGoneError and SealedValueError."""
        if text.startswith(SEALED):
            return self.seals.opened_text(text, run_id, *places)
        if not text.startswith(MARK):
            return text
        try:
            raw = self.patiently(lambda: b"".join(self.payloads.read(text.removeprefix(MARK))))
        except PayloadGoneError:
            raise ValueGoneError("a value that is kept by reference is gone") from None
        return self.seals.opened(raw, run_id, *places).decode()

    def _send(self, shard: int, call: Call, *args: str, patience: float | None = None) -> list[str]:
        text = compact(call.given())
        body, sha = text_of(call.script)
        prefix = self.keys.shard(shard)

        def once() -> list[str]:
            try:
                return cast("list[str]", self._scripts.evalsha(sha, 1, prefix, text, *args))
            except NoScriptError:
                return cast("list[str]", self._scripts.eval(body, 1, prefix, text, *args))

        try:
            return self.patiently(once, patience)
        except ResponseError as error:
            if str(error).startswith("LAYOUT "):
                raise NewerLayoutError(str(error)) from error
            raise
