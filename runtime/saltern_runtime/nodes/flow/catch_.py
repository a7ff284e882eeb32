"""`catch`: run a body for the failure of another node."""

from __future__ import annotations

from typing import Final

from saltern_runtime.nodes.flow.attempt_ import one_round
from saltern_runtime.spec import ANY, Binding, Effect, Emit, NodeType, RegionSpec
from saltern_runtime.spec.names import FAILURE_TYPE

NODE: Final = NodeType(
    name="catch",
    summary="Runs its body for the failure of the node whose handle `error` it hangs on, and gives what it yields.",
    result=ANY,
    effect=Effect.IDEMPOTENT,
    emit=Emit.ERROR,
    result_model="saltern_runtime.nodes.flow.results:NodeFailure",
    region=RegionSpec(
        item=lambda _: FAILURE_TYPE,
        binds=Binding(doc="the name that the body knows the failure by", required=False),
        result=one_round,
        gather="saltern_runtime.nodes.flow.rounds:only",
        on_skip="null",
        doc="Its value is what its body yields.",
    ),
)
