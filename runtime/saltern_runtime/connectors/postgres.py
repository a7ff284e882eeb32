"""`postgres`: a PostgreSQL database.

Each process keeps a few idle connections of its own, in a plain stack: a pool with threads of its own would have to be
started after every fork and stopped before every exit, and a worker process seldom runs more than a few queries at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.connectors.base import PerProcess, connection_of, remaining, secret
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.spec import STRING, ConnectorSpec, Param, Policy, Retry

if TYPE_CHECKING:
    import psycopg

    from saltern_runtime.graph import Context

MAX_IDLE: Final = 4
"""Connections that a process keeps open for each DSN."""

CONNECTOR: Final = ConnectorSpec(
    name="postgres",
    summary="A PostgreSQL database.",
    settings=(Param("dsn", STRING, secret=True, doc="`postgresql://user:password@host/database`."),),
    policy=Policy(timeout=30.0, retry=Retry(attempts=4, base=0.5, cap=30.0)),
    egress=lambda _: ("*:5432",),  # the host stands in a secret
)


class Idle:
    """The idle connections of one process to one DSN."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stack: list[psycopg.Connection[Any]] = []

    def take(self) -> psycopg.Connection[Any] | None:
        """Return a connection that still answers, if there is one."""
        import psycopg  # noqa: PLC0415 - reading the spec needs no SDK

        while True:
            with self._lock:
                if not self._stack:
                    return None
                connection = self._stack.pop()
            try:
                connection.execute("")
            except psycopg.Error:
                connection.close()
                continue
            return connection

    def give(self, connection: psycopg.Connection[Any]) -> None:
        """Keep a connection for later, or close it where it is broken or there are enough."""
        from psycopg.pq import TransactionStatus  # noqa: PLC0415 - reading the spec needs no SDK

        with self._lock:
            if connection.info.transaction_status == TransactionStatus.IDLE and len(self._stack) < MAX_IDLE:
                self._stack.append(connection)
                return
        connection.close()


_IDLE: Final[PerProcess[Idle]] = PerProcess()


@contextmanager
def connected(ctx: Context) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection in autocommit mode, its time zone UTC; raises TransientError where the server cannot be reached."""
    dsn = secret(connection_of(ctx, CONNECTOR), "dsn")
    idle = _IDLE.get((dsn,), Idle)
    connection = idle.take() or _connect(dsn, remaining(ctx))
    try:
        yield connection
    finally:
        idle.give(connection)


def _connect(dsn: str, left: float) -> psycopg.Connection[Any]:
    import psycopg  # noqa: PLC0415 - reading the spec needs no SDK
    from psycopg.types.string import TextLoader  # noqa: PLC0415 - reading the spec needs no SDK

    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            prepare_threshold=None,  # works behind transaction poolers too
            connect_timeout=max(2, int(left)),  # below 2 libpq raises it anyway
            tcp_user_timeout=30_000,
            application_name="saltern",
        )
    except psycopg.OperationalError as error:
        raise TransientError(f"the database cannot be reached: {_first_line(error)}", code="unreachable") from None
    except psycopg.Error:
        # libpq's own words may repeat pieces of the DSN, so they are not passed on
        raise PermanentError("the connection's DSN cannot be read", code="bad-dsn") from None
    try:
        connection.execute("set time zone 'UTC'; set intervalstyle = 'iso_8601'")
        connection.adapters.register_loader("interval", TextLoader)  # which keeps months, as no timedelta can
    except psycopg.Error as error:
        with suppress(psycopg.Error):
            connection.close()
        raise TransientError(f"the database cannot be reached: {_first_line(error)}", code="unreachable") from None
    return connection


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
