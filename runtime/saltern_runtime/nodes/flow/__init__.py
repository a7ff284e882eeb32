"""Branches and values, which generated code writes as plain Python; and `stop`, which is a callable: `flow.stop(ctx, state=…)`."""

from saltern_runtime.nodes.flow.stop import stop

__all__ = ["stop"]
