"""Branches and values, which generated code writes as plain Python; and what is a callable: `flow.stop(ctx, state=…)`."""

from saltern_runtime.nodes.flow.approval import approval
from saltern_runtime.nodes.flow.receive import receive
from saltern_runtime.nodes.flow.respond import respond
from saltern_runtime.nodes.flow.stop import stop

__all__ = ["approval", "receive", "respond", "stop"]
