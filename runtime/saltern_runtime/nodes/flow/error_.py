"""`error`: how a node failed."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import INT, STRING, Effect, Emit, Field, NodeType, obj

FAILURE: Final = obj({
    "node": STRING, "type": STRING, "kind": STRING, "code": STRING, "message": STRING, "attempts": INT,
    "status": Field("status", INT, required=False),
})  # fmt: skip
NODE: Final = NodeType(
    name="error",
    summary="Gives how the node failed whose handle `error` it hangs on.",
    result=FAILURE,
    effect=Effect.PURE,
    emit=Emit.ERROR,
    result_model="saltern_runtime.nodes.flow.results:NodeFailure",
)
