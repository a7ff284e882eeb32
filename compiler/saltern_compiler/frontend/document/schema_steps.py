"""What became of the shape of documents, one step a version. A document that says no version is of version 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from saltern_runtime.spec import Change, Json, Rename, Step

SchemaStep: TypeAlias = Step[Mapping[str, Json]]
"""A step of documents: it need not write the version."""


def _say_the_version(document: Mapping[str, Json]) -> Iterable[Change]:
    """React Flow called a node's parent `parentNode` before version 12."""
    nodes = document.get("nodes")
    for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
        if isinstance(node, dict) and isinstance(node.get("parentNode"), str) and "parentId" not in node:
            yield Rename(f"/nodes/{number}/parentNode", "parentId")


STEPS: Final[tuple[SchemaStep, ...]] = (
    Step(0, "A document says its `schemaVersion`, and a node its parent as `parentId`.", _say_the_version),
)
"""In order."""
