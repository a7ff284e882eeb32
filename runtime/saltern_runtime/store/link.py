"""The way to the store's server: connections, patience, scripts by their names."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypedDict, TypeVar, cast

import redis
from pydantic_core import to_json
from redis.client import Pipeline
from redis.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as LostConnectionError,
)
from redis.exceptions import (
    TimeoutError as SlowReplyError,
)

from saltern_runtime.observe import tracing
from saltern_runtime.settings import Settings
from saltern_runtime.store import contract
from saltern_runtime.store.calls import Bell, read_bells, read_ended
from saltern_runtime.store.failures import (
    PayloadsUnreachableError,
    StoreUnavailableError,
    StoreUnfitError,
    ValueGoneError,
)
from saltern_runtime.store.fitness import lacking, look
from saltern_runtime.store.keys import Keys
from saltern_runtime.store.lua import Library
from saltern_runtime.store.objects import ObjectPayloads
from saltern_runtime.store.payloads import INLINE, MARK, PayloadGoneError, PayloadsByForm, PayloadStore, RedisPayloads
from saltern_runtime.store.proving import prove
from saltern_runtime.store.records import LAYOUT
from saltern_runtime.store.scripts import CALLS, Call
from saltern_runtime.store.sealing import MARK as SEALED
from saltern_runtime.store.sealing import Seals
from saltern_runtime.store.ways import Way, opened

R = TypeVar("R")


def in_ms(time: Sequence[int]) -> int:
    """Return what TIME answered (seconds and microseconds) in Unix milliseconds."""
    seconds, microseconds = time
    return seconds * 1000 + microseconds // 1000


log = logging.getLogger("saltern.store")

RING: Final = 1.0
"""Seconds until a bell that nobody answered is rung again; doubles each time, to a minute."""
_RESENT: Final = (
    LostConnectionError, SlowReplyError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, TryAgainError, AskError, ClusterDownError,
    SlotNotCoveredError, PayloadsUnreachableError,
)  # fmt: skip
_PASSING: Final = ("NOREPLICAS", "MISCONF")
"""How refusals begin that redis-py has no class for: replicas lag behind or are away, the disk is full."""


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
LIBRARY: Final = Library(call.script for call in CALLS)
"""All scripts. A server that lacks it, or lost it with its last second, is given it by whoever calls first."""


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
        self._opened: Way | None = None
        self._own = threading.local()
        self._signing: dict[int, bytes] = {}
        self._lease = int(settings.lease * 1000)
        self._rings: _Rings = {"bells": settings.bells, "ring": int(RING * 1000)}

    @property
    def _claims(self) -> _Claims:
        return {**self._rings, "lease": self._lease}

    # Connections

    @property
    def way(self) -> Way:
        """This process's way to the servers."""
        if self._opened is None or self._pid != os.getpid():
            self._opened = opened(self.settings.store, self.settings.socket_timeout)
            self._pid = os.getpid()
        return self._opened

    @property
    def client(self) -> redis.Redis:
        """This process's client of the server that holds the first shard: of all, where there is one server."""
        return self.at(self.keys.shard(0))

    def at(self, key: str) -> redis.Redis:
        """Return this process's client of the server that holds a key."""
        return self.way.at(key)

    def each(self, keys: Sequence[str], ask: Callable[[Pipeline, int], None]) -> list[list[Any]]:
        """Ask for several things in one round trip a server: `ask` is given a pipeline, and the index of a key there. Answers, by index."""
        servers: dict[int, tuple[redis.Redis, list[int]]] = {}
        for index, key in enumerate(keys):
            client = self.at(key)
            servers.setdefault(id(client), (client, []))[1].append(index)
        found: dict[int, list[Any]] = {}
        for client, indexes in servers.values():
            with client.pipeline(transaction=False) as pipe:
                ends: list[int] = []
                for index in indexes:
                    ask(pipe, index)
                    ends.append(len(pipe))
                answers = pipe.execute()
            found |= {index: answers[start:end] for index, start, end in zip(indexes, (0, *ends), ends, strict=False)}
        return [found[index] for index in range(len(keys))]

    def _alone(self, key: str) -> redis.Redis:
        """Return this thread's own connection, for scripts: taking one from the pool for each call costs more (`python -m bench.runtime`)."""
        if getattr(self._own, "pid", 0) != os.getpid():
            self._own.redis = self.way.alone()
            self._own.pid = os.getpid()
        client: redis.Redis | None = self._own.redis
        return self.at(key) if client is None else client

    @property
    def payloads(self) -> PayloadStore:
        """Where big values live."""
        if self._payloads is None or self._payloads_pid not in (0, os.getpid()):
            place, in_redis = self.settings.payloads, RedisPayloads(self.at, self.keys, self.patiently)
            outside = None if place.kind == "redis" else ObjectPayloads(place, self.keys.service)
            self._payloads, self._payloads_pid = PayloadsByForm(in_redis, outside), os.getpid()
        return self._payloads

    def close(self) -> None:
        """Close this process's connections."""
        if self._opened is not None and self._pid == os.getpid():
            self._opened.close()
        self._opened = None
        self._own = threading.local()  # each thread's connection closes with its last reference

    def ping(self) -> None:
        """Raise StoreUnavailableError unless Redis answers at once."""
        self.patiently(lambda: [client.ping() for client in self.way.all()], patience=0)

    def check_rights(self) -> None:
        """Raise StoreUnfitError where the user has lost rights since the start, StoreUnavailableError unless Redis answers at once."""
        found = self.patiently(lambda: list(lacking(self.way, self.settings, self.keys)), patience=0)
        if found:
            raise StoreUnfitError("; ".join(dict.fromkeys(found)))

    def check(self, *, broker: bool = True) -> None:
        """Raise StoreUnfitError where the servers would lose what is promised, or refuse what is needed, or nothing can be sealed; call it at start.

        `broker`: whether bells are rung over one, which is looked at then.

        The place of payloads is tried out in a process of its own, so that this one may fork afterwards.
        """
        self.seals.check()
        look(self.settings, self.keys, self.patiently, broker=broker)
        try:
            prove(self.settings.payloads, self.keys.service)
        except PayloadsUnreachableError as error:
            log.warning("%s; going on, since that may pass", error)

    def patiently(self, action: Callable[[], R], patience: float | None = None) -> R:
        """Do something with the store again and again while it cannot be reached, then raise StoreUnavailableError.

        The place of payloads is not waited for as long as Redis: while Redis can be reached, leases go on.
        """
        patience = self.patience if patience is None else patience
        began = time.monotonic()
        wait, is_turned = 0.02, False
        while True:
            try:
                return action()
            except (*_RESENT, ResponseError) as error:
                if not isinstance(error, _RESENT) and not str(error).startswith(_PASSING):
                    raise
                if self._opened is not None and self._opened.turn(error) and not is_turned:
                    is_turned = True
                    continue
                is_beside = isinstance(error, PayloadsUnreachableError)
                if time.monotonic() >= began + (min(patience, self.settings.lease / 6) if is_beside else patience):
                    if is_beside:
                        raise
                    raise StoreUnavailableError(f"cannot reach Redis: {_said(error)}") from error
                log.warning("the store cannot be reached, sending again: %s", _said(error))
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

    def count(self, shard: int, more: Mapping[str, int]) -> None:
        """Add to figures that no script counts; tried once, since nothing hangs on them."""
        key = f"{self.keys.shard(shard)}stats"

        def once() -> None:
            with self.at(key).pipeline(transaction=True) as pipe:
                for name, by in more.items():
                    pipe.hincrby(key, name, by)
                pipe.execute()

        self.patiently(once, patience=0)

    def _told(self, shard: int, text: str) -> tuple[Bell, ...]:
        """Return the bells of what a script tells, and pass on to the traces which runs ended."""
        for ended in read_ended(text):
            failure = ended.failure and self.seals.shown_text(ended.failure, ended.run)
            tracing.run_ended(ended._replace(failure=failure))
        return read_bells(shard, text)

    def _send(self, shard: int, call: Call, *args: str, patience: float | None = None) -> list[str]:
        text = to_json(call.given())
        function = LIBRARY.function(call.script)
        prefix = self.keys.shard(shard)

        def once() -> list[str]:
            client = self._alone(prefix)
            try:
                return _asked(client, "FCALL", function, "1", prefix, text, *args)
            except ResponseError as error:
                if str(error) != "Function not found":
                    raise
                client.function_load(LIBRARY.text, replace=True)
                return _asked(client, "FCALL", function, "1", prefix, text, *args)

        try:
            return self.patiently(once, patience)
        except ResponseError as error:
            if str(error).startswith("LAYOUT "):
                raise NewerLayoutError(str(error)) from error
            raise


def _asked(client: redis.Redis, *command: str | bytes) -> list[str]:
    """Send a command that may be sent twice, and return its answer.

    On a thread's own connection without what redis-py does beside, which costs as much as the call (`python -m bench.runtime`).
    """
    connection = client.connection
    if connection is None:
        return cast("list[str]", client.execute_command(*command))  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    try:
        return _exchanged(connection, command)
    except (LostConnectionError, SlowReplyError):  # the server has gone away since the last call, say
        return _exchanged(connection, command)


def _exchanged(connection: AbstractConnection, command: Sequence[str | bytes]) -> list[str]:
    connection.send_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    return cast("list[str]", connection.read_response())


def _said(error: Exception) -> str:
    """Say what a server said; of a slot that is being moved it says only where to."""
    return f"a slot is being moved: {error}" if isinstance(error, AskError | TryAgainError) else str(error)
