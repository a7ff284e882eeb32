"""What became of the shape of documents, one step a version. A document that says no version is of version 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from saltern_runtime.spec import Json


@dataclass(frozen=True, slots=True)
class RenameKey:
    """The member at a pointer has another key."""

    pointer: str
    key: str


@dataclass(frozen=True, slots=True)
class DropKey:
    """The member at a pointer means nothing any more."""

    pointer: str


@dataclass(frozen=True, slots=True)
class PutValue:
    """The value at a pointer is another one; a member that is not there is added to its object, which is."""

    pointer: str
    value: Json


@dataclass(frozen=True, slots=True)
class Decide:
    """What only a person can decide about the value at a pointer, as a sentence."""

    pointer: str
    what: str


SchemaChange: TypeAlias = RenameKey | DropKey | PutValue | Decide


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """How a document of version `of` becomes one of version `of + 1`; the step need not write the version."""

    of: int
    summary: str
    changes: Callable[[Mapping[str, Json]], Iterable[SchemaChange]]
    """Pure; each value is changed once."""


def _say_the_version(document: Mapping[str, Json]) -> Iterable[SchemaChange]:
    """React Flow called a node's parent `parentNode` before version 12."""
    nodes = document.get("nodes")
    for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
        if isinstance(node, dict) and isinstance(node.get("parentNode"), str) and "parentId" not in node:
            yield RenameKey(f"/nodes/{number}/parentNode", "parentId")


STEPS: Final = (
    SchemaStep(0, "A document says its `schemaVersion`, and a node its parent as `parentId`.", _say_the_version),
)
"""In order."""
