"""What every connector needs: its connection, the time that is left, and clients that live as long as their process."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from saltern_runtime.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from saltern_runtime.graph import Connection, Context
    from saltern_runtime.spec import ConnectorSpec

V = TypeVar("V")


def connection_of(ctx: Context, spec: ConnectorSpec) -> Connection:
    """Return the node's connection; it must be one of this connector."""
    if ctx.connection is None or ctx.connection.connector != spec.name:
        raise PermanentError(f"node {ctx.node!r} needs a connection of the connector {spec.name}", code="no-connection")
    return ctx.connection


def setting(connection: Connection, spec: ConnectorSpec, name: str) -> Any:
    """Read a setting: the environment's override first, then the connection, then the default."""
    override = os.environ.get(spec.env.get(name, ""), "")
    if override:
        return override
    param = spec.setting(name)
    return connection.settings.get(name, param.default if param is not None else None)


def secret(connection: Connection, name: str) -> str:
    """Read a secret; an unset one is permanent until an operator sets it."""
    from saltern_runtime.graph import MissingSecretError  # noqa: PLC0415 - reading a spec does not load the graph

    try:
        return connection.secret(name).strip()  # files that secrets are mounted from often end in a line break
    except MissingSecretError as error:
        raise PermanentError(str(error), code="missing-secret") from error


def members(connection: Connection, spec: ConnectorSpec, name: str) -> dict[str, str]:
    """Read a setting that is an object, with those of its members that are secrets."""
    prefix = f"{name}."
    hidden = {key.removeprefix(prefix): secret(connection, key) for key in connection.secrets if key.startswith(prefix)}
    return {**(setting(connection, spec, name) or {}), **hidden}


def remaining(ctx: Context) -> float:
    """Return the seconds left of this attempt; raises TransientError where there are none."""
    left = ctx.deadline - time.monotonic()
    if left <= 0:
        raise TransientError(f"node {ctx.node!r} has no time left before its call", code="timed-out")
    return left


def idempotency_key(ctx: Context) -> str:
    """Return the next call's effect key as other systems get it: hashed, since it goes into headers and holds the tenant's name."""
    import hashlib  # noqa: PLC0415 - a check reads the specs that stand beside this, and hashes nothing

    return hashlib.sha256(ctx.effect_key().encode()).hexdigest()


def retry_after(value: str | None) -> float | None:
    """Read a Retry-After header (RFC 9110: seconds or a date) as seconds from now; None where it says nothing usable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - it loads sockets, and dates are rare here

        try:
            until = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


class PerProcess(Generic[V]):
    """Clients by key, made once in each process: a forked child never uses (nor closes) what its parent opened."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], V] = {}
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], make: Callable[[], V]) -> V:
        """Return this process's client of that key, made when first asked for."""
        own = (os.getpid(), *key)
        with self._lock:
            if own not in self._made:
                self._made[own] = make()
            return self._made[own]
