"""`start`: make a run of another pipeline, and go on."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import STRING, Effect, Emit, NodeType, Param
from saltern_runtime.spec.names import LINKED
from saltern_runtime.spec.types import BOOL

_LINKED: Final = Param(
    LINKED,
    BOOL,
    required=False,
    default=False,
    static=True,
    passed=False,
    doc="Whether the run is cancelled with the one that starts it, and over by that one's deadline.",
)
NODE: Final = NodeType(
    name="start",
    summary="Makes a run of its own of another pipeline, and gives its id; `start.NAME` starts the one that is used as NAME.",
    result=STRING,
    params=(_LINKED,),
    effect=Effect.IDEMPOTENT,
    emit=Emit.INPUT,
    detached=True,
)
