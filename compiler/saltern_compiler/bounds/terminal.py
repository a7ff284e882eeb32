"""Bounds for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saltern_compiler.bounds.model import TIME, Bounds, granted, measured, written
from saltern_compiler.ir.amounts import ONE, ZERO, number
from saltern_compiler.ir.costs import BYTES, Cost, show_time

_WIDE = 48
"""Characters of a column; what says more goes on behind it."""


def render_terminal(bounds: Bounds) -> str:
    """Write what a run costs, the critical path, and what both hang on."""
    cost = bounds.cost
    lines = [f"pipeline {bounds.pipeline}", ""]
    rows = [("time", f"{show_time(number(cost.best))} to {show_time(cost.worst)}", "")]
    for row in bounds.rows():
        retried = "" if row.retried is None else f"{row.retried} with retries"
        rows.append((row.says, str(row.most), retried))
    lines += _table(rows)
    lines += ["", f"critical path, {show_time(cost.worst)}:"]
    lines += _table([(share.node, show_time(share.cost.worst), share.says) for share in bounds.critical()])
    lines += ["", f"deadline {show_time(number(bounds.deadline.seconds))}: {bounds.deadline.because}"]
    symbols = cost.symbols()
    if symbols:
        lines += ["", "it hangs on:", *_table([(str(symbol), symbol.why) for symbol in symbols])]
    if bounds.assumed:
        given = sorted(bounds.assumed.items())
        lines += ["", "assumed:", *_table([(name, f"at most {granted(name, value)}") for name, value in given])]
    return "\n".join(lines) + "\n"


def render_why(bounds: Bounds, measure: str) -> str:
    """Write which node gives what of a measure."""
    cost = bounds.cost
    head = f"{measure} of {bounds.pipeline}: {written(measured(cost, measure), measure)}"
    return "\n".join([head, *_table(list(_tree(cost, measure, 0)))]) + "\n"


def _tree(cost: Cost, measure: str, depth: int) -> Iterator[tuple[str, str, str]]:
    indent = "  " * depth
    for share in cost.shares:
        amount = measured(share.cost, measure)
        if amount == ZERO:
            continue
        mark = "* " if measure == TIME and share.node in cost.path else ""
        yield f"{indent}{mark}{share.node}", written(amount, measure), "" if measure == BYTES else share.says
        if share.inner is not None and measured(share.inner, measure) != ZERO:
            if share.times != ONE:
                yield f"{indent}  each of {share.times}", written(measured(share.inner, measure), measure), ""
            yield from _tree(share.inner, measure, depth + 1)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [min(_WIDE, max(map(len, column))) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{part:<{width}}" for part, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line}".rstrip() for line in lines]
