"""`error`: how a node failed."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import Effect, Emit, NodeType
from saltern_runtime.spec.names import FAILURE_TYPE

NODE: Final = NodeType(
    name="error",
    summary="Gives how the node failed whose handle `error` it hangs on.",
    result=FAILURE_TYPE,
    effect=Effect.PURE,
    emit=Emit.ERROR,
    result_model="saltern_runtime.nodes.flow.results:NodeFailure",
)
