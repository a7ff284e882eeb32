"""`compensate`: take back what a node did, once its run fails or is cancelled."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import NULL, Effect, Emit, NodeType, Policy, RegionSpec
from saltern_runtime.spec.names import COMPENSATE

NODE: Final = NodeType(
    name=COMPENSATE,
    summary="Takes back what a node did, once its run has failed or was cancelled; the last thing done is taken back first.",
    result=NULL,
    effect=Effect.IDEMPOTENT,
    emit=Emit.ONCE,
    region=RegionSpec(item=lambda _: NULL, result=lambda _, __: NULL, yields=False, doc="It gives nothing."),
    policy=Policy(on_error="continue"),
)
