"""What changed in meaning between two checked pipelines, and what that is for callers and for runs in flight.

    Side, Side ──matching──▶ which node became which ──nodes, sections, triggers──▶ changes ──runs──▶ Comparison

Pure: no disk, no clock. Layout, labels, comments, the notation and the order of keys are in no pipeline's meaning, so they are no
change.
"""

from saltern_compiler.diff.compare import compare
from saltern_compiler.diff.model import Change, Comparison, Grade, Hurdle, Runs
from saltern_compiler.diff.side import Side

__all__ = ["Change", "Comparison", "Grade", "Hurdle", "Runs", "Side", "compare"]
