"""`postgres.execute`: change rows, and commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from saltern_runtime.nodes.postgres.rows import read, typed
from saltern_runtime.nodes.postgres.run import run
from saltern_runtime.nodes.postgres.sql import SQL, VALUES, check, returns_nothing
from saltern_runtime.nodes.rows import ROW, check_row, rows_of
from saltern_runtime.spec import INT, Bound, NodeType, Problem, Type, obj

if TYPE_CHECKING:
    import psycopg
    from pydantic import BaseModel

    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.postgres.results import ExecuteResult

M = TypeVar("M", bound="BaseModel")
_COUNT: Final = obj({"count": INT})


def _result(bound: Bound) -> Type:
    return rows_of(bound, _COUNT, count=INT)


def _check(bound: Bound) -> Iterator[Problem]:
    yield from check(bound)
    yield from check_row(bound)
    sql = bound.literals.get("sql")
    if isinstance(sql, str) and ROW.name in bound.types and returns_nothing(sql):
        yield Problem(ROW.name, "the SQL returns no rows", ("Say what it gives: `… returning id`.",))


NODE: Final = NodeType(
    name="postgres.execute",
    summary="Changes rows in PostgreSQL.",
    params=(SQL, VALUES, ROW),
    result=_result,
    result_model="saltern_runtime.nodes.postgres:ExecuteResult",
    result_param="result",
    bare=("count",),
    connector="postgres",
    call="saltern_runtime.nodes.postgres:execute",
    queue="io",
    requires=("postgres",),
    check=_check,
)


@overload
def execute(ctx: Context, *, sql: str, values: Sequence[object] = ..., result: type[M]) -> M: ...


@overload
def execute(ctx: Context, *, sql: str, values: Sequence[object] = ..., result: None = None) -> ExecuteResult: ...


def execute(ctx: Context, *, sql: str, values: Sequence[object] = (), result: Any = None) -> Any:
    """Run one statement and commit it; raises TransientError or PermanentError.

    With `result`, what the statement returns comes with it, of the type that this says; where it is of another, nothing is changed.
    """
    from saltern_runtime.nodes.postgres.results import ExecuteResult  # noqa: PLC0415 - reading the spec needs no pydantic

    if result is None:
        return ExecuteResult(count=run(ctx, sql, values, read_only=False, then=changed))

    def returned(cursor: psycopg.Cursor[Any]) -> Any:
        return typed(result, read(cursor), changed(cursor))

    return run(ctx, sql, values, read_only=False, then=returned)


def changed(cursor: psycopg.Cursor[Any]) -> int:
    """Return how many rows a statement changed."""
    return max(0, cursor.rowcount)
