"""Where something failed: a node's place in the source of its pipeline, and the lines of own code that an error came through.

Names and numbers alone, never a value: what is secret stands in neither.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import Final

from saltern_runtime.graph import Graph

MOST: Final = 12
"""Frames that are kept: those next to the error."""
_LONG: Final = 200
"""Characters of one."""
_GENERATED: Final = re.compile(r"(pipelines\.\w+\.)*(nodes|graph|models|api|tasks|timers)")
"""Modules of a package that are nobody's own code."""


def place_of(graph: Graph, node: str | None) -> str | None:
    """Return the place of a node in the source, `orders.saltern:12:3`; None where that is not known."""
    known = graph.source_map.get("nodes", {}).get(node, {})
    place = known.get("place")
    return f"{known.get('source', graph.source_map['source'])}:{place}" if place else None


def trace_of(error: BaseException, package: str) -> tuple[str, ...]:
    """Return what an error came through from the first line of own code on, the outermost first: `rules.py:12 in price`.

    Own code lies in the package of the service, under the name that it has beside the pipeline; other modules go by their names, and the
    runtime's are left out.
    """
    frames = list(_frames(error, package))
    first = next((at for at, (is_own, _) in enumerate(frames) if is_own), len(frames))
    return tuple(text[:_LONG] for _, text in frames[first:][-MOST:])


def _frames(error: BaseException, package: str) -> Iterator[tuple[bool, str]]:
    """Yield whether a frame is own code, and how it is written."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        within = module.removeprefix(f"{package}.") if package else module
        is_own = within != module and not _GENERATED.fullmatch(within)
        if is_own or not module.startswith(("saltern_runtime.", f"{package}.")):
            where = f"{within.replace('.', '/')}.py" if is_own else module
            yield is_own, f"{where}:{line} in {frame.f_code.co_name}"
