"""What a pipeline means: nodes, regions, triggers, connections and secrets, in a canonical form.

Collections are sorted (by name or id); the order of arrays in a document never counts. Places in the source never take part
in comparison. Data edges are not stored: they are the references inside parameters (`ir.graph` derives them).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.ir.values import Value
from saltern_runtime.spec import Json, ObjectType, Policy

RETURN: Final = "return"
RESERVED_IDS: Final = frozenset({"input", "run", "return"})
REGION_TYPES: Final = frozenset({"foreach", "while", "try", "parallel"})
INNER_TYPES: Final = frozenset({"yield", "next"})
"""Node types that stand only inside a region."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by reference, such as `env:SLACK_TOKEN`; never a value."""

    name: str
    reference: str
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connector's settings and secret references under a name."""

    name: str
    connector: str
    settings: tuple[tuple[str, Value], ...] = ()
    policy: Policy = Policy()
    origin: Origin = field(default=NOWHERE, compare=False)

    def setting(self, name: str) -> Value | None:
        """Return what a setting is bound to."""
        return next((value for key, value in self.settings if key == name), None)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a run: `api` (settings: none) or `webhook` (settings: path, signature, secret)."""

    type: str
    settings: tuple[tuple[str, Value], ...] = ()
    origin: Origin = field(default=NOWHERE, compare=False)

    def setting(self, name: str) -> Value | None:
        """Return what a setting is bound to."""
        return next((value for key, value in self.settings if key == name), None)


@dataclass(frozen=True, slots=True)
class ControlEdge:
    """A node hangs on a handle (`then`, `else`, `case.<key>`) of an `if` or `switch`."""

    source: str
    handle: str
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `params` are sorted by name; `body` is the nested graph of a region."""

    id: str
    type: str
    version: int = 1
    params: tuple[tuple[str, Value], ...] = ()
    connection: str | None = None
    control: tuple[ControlEdge, ...] = ()
    join: Literal["all", "any"] = "all"
    after: tuple[str, ...] = ()
    policy: Policy = Policy()
    disabled: bool = False
    body: Region | None = None
    label: str = field(default="", compare=False)
    origin: Origin = field(default=NOWHERE, compare=False)
    origins: tuple[tuple[str, Origin], ...] = field(default=(), compare=False)
    """Places of parts: `id`, `type`, `connection`, `params`, `param:<name>` (the name), `policy:<field>`, `after:<id>`."""

    def param(self, name: str) -> Value | None:
        """Return what a parameter is bound to."""
        return next((value for key, value in self.params if key == name), None)

    def place(self, part: str) -> Origin:
        """Return the place of a part, or of the node where the part has none of its own."""
        return next((origin for key, origin in self.origins if key == part), self.origin)


@dataclass(frozen=True, slots=True)
class Region:
    """A graph: the pipeline's own, or the body of a node. `variables` are the names that the owner binds (`story`)."""

    nodes: tuple[Node, ...] = ()
    variables: tuple[str, ...] = ()

    def node(self, node_id: str) -> Node | None:
        """Return the node of that id, if any."""
        return next((node for node in self.nodes if node.id == node_id), None)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole workflow. `output` is declared; None means: whatever `return` gives."""

    name: str
    input: ObjectType
    output: ObjectType | None = None
    secrets: tuple[Secret, ...] = ()
    connections: tuple[Connection, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    settings: tuple[tuple[str, Json], ...] = ()
    """Pipeline-wide options: `deadline` (seconds), `retention` (seconds)."""
    policy: Policy = Policy()
    body: Region = Region()
    description: str = field(default="", compare=False)
    origin: Origin = field(default=NOWHERE, compare=False)
    origins: tuple[tuple[str, Origin], ...] = field(default=(), compare=False)
    """Places of `name`, `input`, `output`, `settings`."""

    def connection(self, name: str) -> Connection | None:
        """Return the connection of that name, if any."""
        return next((each for each in self.connections if each.name == name), None)

    def secret(self, name: str) -> Secret | None:
        """Return the secret of that name, if any."""
        return next((each for each in self.secrets if each.name == name), None)

    def place(self, part: str) -> Origin:
        """Return the place of a part, or of the pipeline where the part has none of its own."""
        return next((origin for key, origin in self.origins if key == part), self.origin)
