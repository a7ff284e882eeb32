"""Bounds as Markdown, for a page or a pull request."""

from __future__ import annotations

from saltern_compiler.bounds.model import Bounds, granted
from saltern_compiler.ir.amounts import number
from saltern_compiler.ir.costs import show_time


def render_markdown(bounds: Bounds) -> str:
    """Write two tables: what a run costs, and the critical path."""
    cost = bounds.cost
    lines = [f"### Bounds of {_code(bounds.pipeline)}", "", "| | at most | with retries |", "| --- | --- | --- |"]
    lines.append(f"| time | {_code(show_time(cost.worst))} | |")
    for row in bounds.rows():
        lines.append(f"| {row.says} | {_code(str(row.most))} | {_code(str(row.retried)) if row.retried else ''} |")
    best = f", {show_time(number(cost.best))} at least" if cost.best else ""
    lines += ["", f"**Critical path**, {show_time(cost.worst)} at most{best}:", ""]
    lines += ["| node | at most | why |", "| --- | --- | --- |"]
    lines += [
        f"| {_code(share.node)} | {_code(show_time(share.cost.worst))} | {share.says} |" for share in bounds.critical()
    ]
    symbols = cost.symbols()
    if symbols:
        lines += ["", "It hangs on " + ", ".join(_code(str(symbol)) for symbol in symbols) + "."]
    if bounds.assumed:
        given = ", ".join(
            f"{_code(name)} at most {granted(name, value)}" for name, value in sorted(bounds.assumed.items())
        )
        lines += ["", f"Assumed: {given}."]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Write what a pipeline says as code: nothing in it is Markdown then."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|").replace("\n", " ")
