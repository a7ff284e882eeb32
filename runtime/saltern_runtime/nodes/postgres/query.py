"""`postgres.query`: read rows, in a read-only transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.errors import PermanentError
from saltern_runtime.nodes.postgres.run import out, run
from saltern_runtime.nodes.postgres.sql import SQL, VALUES, check
from saltern_runtime.spec import ANY, INT, Effect, ListType, MapType, NodeType, obj

if TYPE_CHECKING:
    import psycopg

    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.postgres.results import QueryResult

MAX_ROWS: Final = 10_000

NODE: Final = NodeType(
    name="postgres.query",
    summary="Reads rows from PostgreSQL.",
    params=(SQL, VALUES),
    result=obj({"rows": ListType(MapType(ANY)), "count": INT}),
    result_model="saltern_runtime.nodes.postgres:QueryResult",
    effect=Effect.IDEMPOTENT,
    connector="postgres",
    call="saltern_runtime.nodes.postgres:query",
    queue="io",
    requires=("postgres",),
    check=check,
)


def query(ctx: Context, *, sql: str, values: Sequence[object] = ()) -> QueryResult:
    """Run one statement and return its rows; raises TransientError or PermanentError."""
    from saltern_runtime.nodes.postgres.results import QueryResult  # noqa: PLC0415 - reading the spec needs no pydantic

    rows = run(ctx, sql, values, read_only=True, then=_rows)
    return QueryResult(rows=rows, count=len(rows))


def _rows(cursor: psycopg.Cursor[Any]) -> list[dict[str, Any]]:
    if cursor.description is None:
        return []
    names = [column.name for column in cursor.description]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PermanentError(
            f"the query gives two columns the name {', '.join(twice)}; rename one with AS", code="duplicate-columns"
        )
    rows = cursor.fetchmany(MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise PermanentError(f"the query gives more than {MAX_ROWS} rows; add a LIMIT", code="too-large")
    return [dict(zip(names, map(out, row), strict=True)) for row in rows]
