"""What the one node of a tree gives, worked out in this process without an engine: what `saltern eval` does."""

from __future__ import annotations

import resource
import sys
from typing import Final

from saltern_runtime.dev.given import checked, load, read_input
from saltern_runtime.dev.terminal import json_text
from saltern_runtime.dev.tree import Tree
from saltern_runtime.expr import ExprError, plain

_MEMORY: Final = 1024**3
"""Octets of address space: what would fill more has no value."""


def run(tree: Tree, source: str) -> int:
    """Print what the node `return` gives for the input of a file (`-`: standard input). Raises InputError and TreeError."""
    sys.path.insert(0, str(tree.folder))
    models = load(tree, "models")
    given = checked(models.Input, read_input(source))
    node = load(tree, "graph").GRAPH.nodes["return"]
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))
    try:
        value = plain(node(**dict.fromkeys(node.reads, given)))
        shown = json_text(value, sys.stdout, indent=2)
    except ExprError as error:
        sys.stderr.write(f"error[{error.code}]: {error}\n")
        return 1
    except ValueError:
        sys.stderr.write("error[not-json]: JSON has neither NaN nor infinity\n")
        return 1
    except MemoryError:
        sys.stderr.write("error[too-large]: the value does not fit into memory\n")
        return 1
    sys.stdout.write(shown + "\n")
    return 0
