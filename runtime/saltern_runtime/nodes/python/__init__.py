"""The team's own code: `python.call(ctx, function=rules.score, args={…})`."""

from saltern_runtime.nodes.python.call import call

__all__ = ["call"]
