"""PostgreSQL: `postgres.query(ctx, sql=…, values=[…])`, `postgres.execute(…)`."""

from typing import TYPE_CHECKING, Any

from saltern_runtime.nodes.postgres.execute import execute
from saltern_runtime.nodes.postgres.query import query

if TYPE_CHECKING:
    from saltern_runtime.nodes.postgres.results import ExecuteResult, QueryResult

__all__ = ["ExecuteResult", "QueryResult", "execute", "query"]


def __getattr__(name: str) -> Any:
    # Reading a spec needs no pydantic.
    if name in ("ExecuteResult", "QueryResult"):
        from saltern_runtime.nodes.postgres import results  # noqa: PLC0415 - as said

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
