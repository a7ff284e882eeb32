"""`postgres.execute`: change rows, and commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.nodes.postgres.run import run
from saltern_runtime.nodes.postgres.sql import SQL, VALUES, check
from saltern_runtime.spec import INT, NodeType, obj

if TYPE_CHECKING:
    import psycopg

    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.postgres.results import ExecuteResult

NODE: Final = NodeType(
    name="postgres.execute",
    summary="Changes rows in PostgreSQL.",
    params=(SQL, VALUES),
    result=obj({"count": INT}),
    result_model="saltern_runtime.nodes.postgres:ExecuteResult",
    connector="postgres",
    call="saltern_runtime.nodes.postgres:execute",
    queue="io",
    requires=("postgres",),
    check=check,
)


def execute(ctx: Context, *, sql: str, values: Sequence[object] = ()) -> ExecuteResult:
    """Run one statement and commit it; raises TransientError or PermanentError."""
    from saltern_runtime.nodes.postgres.results import ExecuteResult  # noqa: PLC0415 - reading the spec needs no pydantic

    return ExecuteResult(count=run(ctx, sql, values, read_only=False, then=_count))


def _count(cursor: psycopg.Cursor[Any]) -> int:
    return max(0, cursor.rowcount)
