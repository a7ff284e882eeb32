"""PostgreSQL: `postgres.query(ctx, sql=…, values=[…])`, `postgres.execute(…)`, `postgres.transaction(…)`."""

from typing import TYPE_CHECKING, Any

from saltern_runtime.nodes.postgres.execute import execute
from saltern_runtime.nodes.postgres.query import query
from saltern_runtime.nodes.postgres.transaction import transaction

if TYPE_CHECKING:
    from saltern_runtime.nodes.postgres.results import ExecuteResult, QueryResult, TransactionResult

__all__ = ["ExecuteResult", "QueryResult", "TransactionResult", "execute", "query", "transaction"]


def __getattr__(name: str) -> Any:
    if name in ("ExecuteResult", "QueryResult", "TransactionResult"):
        from saltern_runtime.nodes.postgres import results  # noqa: PLC0415 - reading a spec needs no pydantic

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
