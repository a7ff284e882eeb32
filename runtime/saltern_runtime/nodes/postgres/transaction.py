"""`postgres.transaction`: several statements, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from saltern_runtime.errors import PermanentError
from saltern_runtime.nodes.postgres.execute import changed
from saltern_runtime.nodes.postgres.run import run_all
from saltern_runtime.nodes.postgres.sql import refusal, scan
from saltern_runtime.spec import ANY, INT, STRING, Bound, ListType, NodeType, Param, Problem, obj

if TYPE_CHECKING:
    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.postgres.results import TransactionResult


def _check(bound: Bound) -> Iterator[Problem]:
    statements = bound.literals.get("sql")
    if not isinstance(statements, list) or not all(isinstance(sql, str) for sql in statements):
        return
    if not statements:
        yield Problem("sql", "there is no statement")
    for number, sql in enumerate(statements, 1):
        scanned = scan(sql)
        reason = refusal(scanned)
        notes = ("Each statement is an item of the list.",) if scanned.statements > 1 else reason[1:]
        if reason:
            yield Problem("sql", f"statement {number}: {reason[0]}", notes)
    literal = bound.literals.get("values")
    known = len(literal) if isinstance(literal, list) else 0 if "values" not in bound.types else None
    given = bound.lengths.get("values", known)
    needed = [max(scan(sql).placeholders, default=0) for sql in statements]
    if given == 0 and not any(needed):
        return
    if given is not None and given != len(statements):
        yield Problem(
            "values",
            f"{given} list{'' if given == 1 else 's'} of values for {len(statements)} statements",
            ("Each statement has a list of its own; `[]` where it takes none.",),
        )
    elif isinstance(literal, list):
        for number, (has, of) in enumerate(zip(literal, needed, strict=True), 1):
            if isinstance(has, list) and len(has) != of:
                yield Problem("values", f"statement {number} takes {of} values, but {len(has)} are given")


NODE: Final = NodeType(
    name="postgres.transaction",
    summary="Runs several statements in PostgreSQL: all of them, or none.",
    params=(
        Param("sql", ListType(STRING), static=True, template=False, doc="The statements, in their order."),
        Param(
            "values",
            ListType(ListType(ANY)),
            required=False,
            default=[],
            doc="For each statement, what its `$1`, `$2`, … stand for.",
        ),
    ),
    result=obj({"counts": ListType(INT)}),
    result_model="saltern_runtime.nodes.postgres:TransactionResult",
    bare=("counts",),
    connector="postgres",
    call="saltern_runtime.nodes.postgres:transaction",
    queue="io",
    requires=("postgres",),
    check=_check,
)


def transaction(ctx: Context, *, sql: Sequence[str], values: Sequence[Sequence[object]] = ()) -> TransactionResult:
    """Run statements and commit them as one; return how many rows each changed. Raises TransientError or PermanentError."""
    from saltern_runtime.nodes.postgres.results import TransactionResult  # noqa: PLC0415 - reading the spec needs no pydantic

    given = values or [()] * len(sql)
    if len(given) != len(sql):
        raise PermanentError(f"{len(given)} lists of values for {len(sql)} statements", code="bad-values")
    counts = run_all(ctx, list(zip(sql, given, strict=True)), read_only=False, then=changed)
    return TransactionResult(counts=counts)
