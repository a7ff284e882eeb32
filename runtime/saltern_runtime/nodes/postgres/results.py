"""What statements give back."""

from __future__ import annotations

from typing import Any

from saltern_runtime.models import Model


class ExecuteResult(Model):
    """How many rows were changed."""

    count: int


class TransactionResult(Model):
    """How many rows each statement changed, in their order."""

    counts: list[int]


class QueryResult(Model):
    """Rows, by column name."""

    rows: list[dict[str, Any]]
    count: int
