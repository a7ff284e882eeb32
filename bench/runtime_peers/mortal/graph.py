"""A stage whose first worker is killed over it: it says which process that is and stays, and those after it return at once."""

import os
import time
from pathlib import Path

from saltern_runtime.graph import Graph, Stage, node

FOLDER = "SALTERN_BENCH_FOLDER"


@node("stay", type="set@1")
def stay(*, input: str) -> str:  # noqa: A002 - the name that nodes read the input by
    """Write down who runs it; stay if that is the first one."""
    mark = Path(os.environ[FOLDER]) / input
    if mark.exists():
        return input
    made = mark.with_suffix(".new")
    made.write_text(str(os.getppid()))
    made.rename(mark)
    time.sleep(600)
    return input


def mortal() -> Graph:
    """One stage, which may be tried again once its worker is lost."""
    graph = Graph("bench_mortal", package="", stages=(Stage("stay", nodes=(stay,), timeout=900),), deadline=900.0)
    graph.source_map = {"plan": "sha256:" + "d" * 64}
    return graph


GRAPH = mortal()
