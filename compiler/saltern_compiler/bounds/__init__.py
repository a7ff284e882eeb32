"""What a run costs at most, for people and for programs."""

from saltern_compiler.bounds.model import Bounds, bounds_of

__all__ = ["Bounds", "bounds_of"]
