"""Hand-made graphs with a foreach, run in this process."""

from tests.runtime.engine.conftest import Local, local, make_graph

__all__ = ["Local", "local", "make_graph"]
