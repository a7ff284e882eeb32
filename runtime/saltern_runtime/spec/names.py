"""Names that every part reads alike: what expressions may always read, and the handles of branches."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec.types import INT, STRING, TIMESTAMP, Field, Json, ObjectType, obj

INPUT: Final = "input"
RUN: Final = "run"
AMBIENT: Final = (INPUT, RUN)
"""Names that stand for no node: what a run starts with, and the run itself."""
RUN_TYPE: Final[ObjectType] = obj({"id": STRING, "tenant": STRING, "started_at": TIMESTAMP})
"""The type of `run`; generated code takes it as `RunInfo`."""
THEN: Final = "then"
ELSE: Final = "else"
CASE: Final = "case."
"""What the handle of a case begins with."""
SUCCESS: Final = "success"
ERROR: Final = "error"
OUTCOMES: Final = (SUCCESS, ERROR)
"""Handles of every node that takes no branches: it has its value, or it failed after its last attempt and a branch goes on."""
FAILURE_TYPE: Final[ObjectType] = obj(
    {
        **dict.fromkeys(("node", "type", "kind", "code", "message"), STRING),
        "attempts": INT,
        "status": Field("status", INT, required=False),
    }
)
"""The type of a node's failure; generated code takes it as `NodeFailure`."""
RETURN: Final = "return"
"""The node that says what a pipeline gives."""
ROOT: Final = ":"
"""Stands behind the id of a node that starts another pipeline, and before the names of what that pipeline is made of."""
LINKED: Final = "linked"
"""The parameter of a start that is none of the pipeline's that is started."""
COMPENSATE: Final = "compensate"
"""The handle that what takes a node's effect back hangs on, and the type of that; the store knows it by its name, `<node>/compensate`."""
SCHEDULE_ID: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
"""The ids that a schedule may have: they are part of the ids of runs."""


def case_key(value: Json) -> str:
    """Write a case as its handle does: `true`, `false` and `null` as JSON, all else as text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def case_handle(value: Json) -> str:
    """Return the handle of a case."""
    return CASE + case_key(value)
