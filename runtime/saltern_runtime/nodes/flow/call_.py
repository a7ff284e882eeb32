"""`call`: run another pipeline as a part of the run."""

from __future__ import annotations

from typing import Final

from saltern_runtime.spec import ANY, Effect, Emit, NodeType

NODE: Final = NodeType(
    name="call",
    summary="Runs another pipeline as a part of the run, and gives what that returns; `call.NAME` calls the one that is used as NAME.",
    result=ANY,
    effect=Effect.IDEMPOTENT,
    emit=Emit.INPUT,
)
