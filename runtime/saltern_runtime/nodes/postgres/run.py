"""How the nodes run statements: server-side parameters, one transaction, the errors' classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from saltern_runtime.connectors.base import remaining
from saltern_runtime.connectors.postgres import connected
from saltern_runtime.errors import NodeError, PermanentError, TransientError
from saltern_runtime.nodes.postgres.sql import refusal, scan
from saltern_runtime.nodes.postgres.values import into
from saltern_runtime.observe import tracing

if TYPE_CHECKING:
    import psycopg

    from saltern_runtime.graph import Context

R = TypeVar("R")
_WORD: Final = re.compile(r"\s*([A-Za-z]+)")

_MAY_PASS: Final = ("08", "40", "53", "55", "57", "58", "XX")
"""SQLSTATE classes of what may pass: connection, rollback, resources, locks, shutdown and cancel, system, internal."""
_CODES: Final = {
    "57014": "timed-out", "40001": "serialization-failure", "40P01": "deadlock", "23505": "duplicate", "25006": "read-only",
    "42601": "bad-sql", "42P01": "no-such-table", "42703": "no-such-column", "42501": "forbidden",
}  # fmt: skip


def run(
    ctx: Context, sql: str, values: Sequence[object], *, read_only: bool, then: Callable[[psycopg.Cursor[Any]], R]
) -> R:
    """Run one statement in a transaction of its own, and `then` before it ends; raises TransientError or PermanentError."""
    return run_all(ctx, [(sql, values)], read_only=read_only, then=then)[0]


def run_all(
    ctx: Context,
    statements: Sequence[tuple[str, Sequence[object]]],
    *,
    read_only: bool,
    then: Callable[[psycopg.Cursor[Any]], R],
) -> list[R]:
    """Run statements in one transaction, and `then` after each; raises TransientError or PermanentError."""
    import psycopg  # noqa: PLC0415 - reading the spec needs no SDK

    prepared = [(sql.encode(), _given(sql, values)) for sql, values in statements]
    word = _WORD.match(statements[0][0]) if len(statements) == 1 else None
    operation = word[1].upper() if word is not None else "BATCH" if len(statements) > 1 else "SQL"
    about = {"db.system.name": "postgresql", "db.operation.name": operation}
    with (
        tracing.calling(operation, about),
        connected(ctx) as connection,
        psycopg.RawCursor(connection) as cursor,
    ):
        with _translated(committing=False):
            mode = "read only" if read_only else "read write"
            cursor.execute(f"begin {mode}; set local statement_timeout = {max(1, int(remaining(ctx) * 1000))}".encode())
            try:
                results = []
                for sql, given in prepared:
                    cursor.execute(sql, given or None)
                    results.append(then(cursor))
            except BaseException:
                _roll_back(connection)
                raise
        with _translated(committing=not read_only):
            connection.rollback() if read_only else connection.commit()
    return results


def _given(sql: str, values: Sequence[object]) -> list[object]:
    scanned = scan(sql)
    reason = refusal(scanned)
    if reason:
        raise PermanentError(reason[0], code="bad-sql")
    if len(values) != max(scanned.placeholders, default=0):
        raise PermanentError(f"{len(values)} values for {len(scanned.placeholders)} placeholders", code="bad-values")
    return [into(value) for value in values]


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    import psycopg  # noqa: PLC0415 - reading the spec needs no SDK

    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()


@contextmanager
def _translated(*, committing: bool) -> Iterator[None]:
    """Translate psycopg's errors. Only a commit that broke off leaves the outcome unknown."""
    import psycopg  # noqa: PLC0415 - reading the spec needs no SDK

    try:
        yield
    except psycopg.Error as error:
        raise _translate(error, committing=committing) from error


def _translate(error: psycopg.Error, *, committing: bool) -> NodeError:
    import psycopg  # noqa: PLC0415 - reading the spec needs no SDK

    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return TransientError("the connection to the database broke", code="connection-lost", ambiguous=committing)
        return PermanentError(f"the values cannot be sent: {error}", code="bad-values")
    # the primary message alone: details repeat values, which may be personal
    message = f"the database refused: {error.diag.message_primary} ({state})"
    if state[:2] in _MAY_PASS:
        return TransientError(
            message, code=_CODES.get(state, "database-unavailable"), ambiguous=committing and state[:2] != "40"
        )
    if state == "25006":
        message = "a query only reads; use postgres.execute to write (25006)"
    return PermanentError(message, code=_CODES.get(state, "refused"))
