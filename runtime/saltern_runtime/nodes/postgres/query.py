"""`postgres.query`: read rows, in a read-only transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from saltern_runtime.nodes.postgres.rows import UNTYPED, plain_rows, read, typed
from saltern_runtime.nodes.postgres.run import run
from saltern_runtime.nodes.postgres.sql import SQL, VALUES, check
from saltern_runtime.nodes.rows import ROW, check_row, rows_of
from saltern_runtime.spec import INT, Bound, Effect, NodeType, Problem, Type

if TYPE_CHECKING:
    from pydantic import BaseModel

    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.postgres.results import QueryResult

M = TypeVar("M", bound="BaseModel")


def _result(bound: Bound) -> Type:
    return rows_of(bound, UNTYPED, count=INT)


def _check(bound: Bound) -> Iterator[Problem]:
    yield from check(bound)
    yield from check_row(bound)


NODE: Final = NodeType(
    name="postgres.query",
    summary="Reads rows from PostgreSQL.",
    params=(SQL, VALUES, ROW),
    result=_result,
    result_model="saltern_runtime.nodes.postgres:QueryResult",
    result_param="result",
    bare=("count",),
    effect=Effect.READ,
    connector="postgres",
    call="saltern_runtime.nodes.postgres:query",
    queue="io",
    requires=("postgres",),
    check=_check,
)


@overload
def query(ctx: Context, *, sql: str, values: Sequence[object] = ..., result: type[M]) -> M: ...


@overload
def query(ctx: Context, *, sql: str, values: Sequence[object] = ..., result: None = None) -> QueryResult: ...


def query(ctx: Context, *, sql: str, values: Sequence[object] = (), result: Any = None) -> Any:
    """Run one statement and return its rows, of the type that `result` says; raises TransientError or PermanentError."""
    from saltern_runtime.nodes.postgres.results import QueryResult  # noqa: PLC0415 - reading the spec needs no pydantic

    rows = run(ctx, sql, values, read_only=True, then=read)
    if result is not None:
        return typed(result, rows, len(rows))
    return QueryResult(rows=plain_rows(rows), count=len(rows))
