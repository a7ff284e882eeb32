"""The node types of the demo plugin, without an installation."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "plugins/demo"))

from saltern_demo.tell import FIRST, SECOND, THIRD

from saltern_compiler.registry import Registry

TELLS = (FIRST, SECOND, THIRD)
REGISTRY = Registry.load().extended(TELLS)
