"""What `saltern explain --passes` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saltern_compiler.passes.planning.receipts import Figures, Receipt


def as_json(receipts: Sequence[Receipt]) -> str:
    """Write receipts for programs: an object a pass, in their order."""
    return json.dumps([receipt.to_json() for receipt in receipts], indent=2, ensure_ascii=False) + "\n"


def as_text(receipts: Sequence[Receipt]) -> str:
    """Write receipts for people: a table, and below it what was done and why."""
    rows: list[tuple[str, ...]] = [("", "nodes", "stages", "path", "round trips", "kept at most")]
    if receipts:
        rows.append(("as written", *_row(receipts[0].before)))
    rows += [(receipt.name, *_row(receipt.after)) for receipt in receipts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    for receipt in receipts:
        told = list(_told(receipt))
        if told:
            lines += ["", receipt.name, *(f"  {line}" for line in told)]
    return "\n".join(lines) + "\n"


def _row(figures: Figures) -> tuple[str, ...]:
    return (str(figures.nodes), str(figures.stages), str(len(figures.path)), figures.round_trips, figures.kept)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.rjust(width) if 1 <= column <= 3 else text.ljust(width)


def _told(receipt: Receipt) -> Iterator[str]:
    rows = [(each.node, "", each.because) for each in receipt.changes]
    rows += [(each.node, "not run", each.because) for each in receipt.elided]
    width = max((len(node) for node, _, _ in rows), default=0)
    for node, mark, because in rows:
        yield "  ".join(filter(None, (node.ljust(width), mark, because)))
