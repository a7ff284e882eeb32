"""PostgreSQL: `postgres.query(ctx, sql=…, values=[…])`, `postgres.execute(…)`."""

from saltern_runtime.nodes.postgres.execute import ExecuteResult, execute
from saltern_runtime.nodes.postgres.query import QueryResult, query

__all__ = ["ExecuteResult", "QueryResult", "execute", "query"]
