"""What a pipeline means: nodes, regions, triggers, connections and secrets, in a canonical form.

Collections are sorted (by name or id); the order of arrays in a document never counts. Places in the source never take part
in comparison. Data edges are not stored: they are the references inside parameters (`ir.graph` derives them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from typing import Any, Final, Literal

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.ir import values
from saltern_compiler.ir.budget import Budget
from saltern_compiler.ir.values import Value
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, Label, Limits, ObjectType, Policy
from saltern_runtime.spec.names import AMBIENT
from saltern_runtime.spec.types import LABELS

RETURN: Final = "return"
RESERVED_IDS: Final = frozenset({*AMBIENT, RETURN})
MAX_REGIONS: Final = 50
"""Levels of regions in each other at most, in either notation: what every later walk can recurse through."""
STOP: Final = "stop"
CALL: Final = "call"
"""The family of the node types that run a pipeline: `call.score` runs what is used as `score`."""
START: Final = "start"
"""The family of those that make a run of its own of one."""
YIELD: Final = "yield"
NEXT: Final = "next"
CHECK: Final = "check"
"""What a loop asks before each round: a node of its body that no stage runs, and that reads the round's state alone of it."""
ERROR_TYPE: Final = "error"
"""The type of the node that gives how another one failed."""
INNER_TYPES: Final = frozenset({YIELD, NEXT, CHECK})
"""Node types that stand only inside a region; their ids are `<owner>/<type>`."""
LIMITS: Final = "limits"
ACCEPTS: Final = "accepts"
GIVES: Final = "gives"
RETAINED: Final = ("succeeded", "failed", "cancelled")
"""How a run may end, as settings say how long it is kept then: `retention_failed`. What reached its deadline has failed."""
SETTINGS: Final = ("deadline", "retention", *(f"retention_{how}" for how in RETAINED), "reserve")
"""Settings of a pipeline, each a duration."""
LABEL_SETTINGS: Final = (ACCEPTS, GIVES)
SHARED_SETTINGS: Final = frozenset({LIMITS, *LABEL_SETTINGS})
"""The settings that every connection may have, and that no connector reads: what it may be used for, labels that it may be sent, labels of what comes from it."""
RESULT_TYPES: Final = INNER_TYPES | {RETURN}
"""Node types that give what the graph they stand in gives."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by reference, such as `env:SLACK_TOKEN`; never a value."""

    name: str
    reference: str
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Use:
    """Another pipeline under a name; `path` leads to it from the folder of the document."""

    name: str
    path: str
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connector's settings and secret references under a name."""

    name: str
    connector: str
    settings: tuple[tuple[str, Value], ...] = ()
    policy: Policy = Policy()
    origin: Origin = field(default=NOWHERE, compare=False)
    names: tuple[tuple[str, Origin], ...] = field(default=(), compare=False)
    """Setting → the place of its name; in a document pointers lead there."""

    def setting(self, name: str) -> Value | None:
        """Return what a setting is bound to."""
        return next((value for key, value in self.settings if key == name), None)

    def name_of(self, setting: str) -> Origin:
        """Return the place of a setting's name."""
        return dict(self.names).get(setting) or self.origin.child("settings", setting).name()

    def labels(self, name: str) -> tuple[Label, ...]:
        """Return the labels that one of `LABEL_SETTINGS` names, as far as they are any."""
        given = self.setting(name)
        named = given.value if isinstance(given, values.Literal) and isinstance(given.value, list) else ()
        return tuple(label for label in LABELS if label in named)

    @property
    def limits(self) -> Limits | None:
        """How many attempts may call through it; asked for once no check has found anything wrong."""
        given = self.setting(LIMITS)
        return Limits(**given.value) if isinstance(given, values.Literal) else None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a run: `api` (settings: none), `webhook` (path, signature, secret), `schedule` (cron, time_zone, …)."""

    type: str
    settings: tuple[tuple[str, Value], ...] = ()
    origin: Origin = field(default=NOWHERE, compare=False)

    def setting(self, name: str) -> Value | None:
        """Return what a setting is bound to."""
        return next((value for key, value in self.settings if key == name), None)


SIGNATURE: Final = "signature"
"""The setting of a webhook that says how it is signed: a word, or an object of one whose value has its settings."""
BODY: Final = "body"
"""The setting of a webhook that says how its bodies are read."""
WITH_SETTINGS: Final = ("hmac", "token")
"""The words for signatures that have settings."""
SIGNATURE_WORDS: Final = frozenset({"algorithm", "encoding"})
"""Those of them whose values are words themselves."""
LENGTHS: Final = frozenset({"respond", "jitter"})
"""Settings of triggers that are lengths of time: seconds here, however a notation writes them."""


def trigger_key(trigger: Trigger) -> tuple[str, str]:
    """Return what triggers are sorted by: type and settings, so that the order in which they stand never counts."""
    return trigger.type, "\0".join(f"{name}={getattr(value, 'value', '')}" for name, value in trigger.settings)


@dataclass(frozen=True, slots=True)
class ControlEdge:
    """A node hangs on a handle (`then`, `else`, `case.<key>`) of a node that takes one."""

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
    mapping: tuple[tuple[str, str], ...] = ()
    """Of a call: connection of the other pipeline → the one that stands in for it; sorted."""
    control: tuple[ControlEdge, ...] = ()
    join: Literal["all", "any"] = "all"
    after: tuple[str, ...] = ()
    policy: Policy = Policy()
    disabled: bool = False
    body: Region | None = None
    label: str = field(default="", compare=False)
    origin: Origin = field(default=NOWHERE, compare=False)
    origins: tuple[tuple[str, Origin], ...] = field(default=(), compare=False)
    """Places of parts: `id`, `type`, `version`, `connection`, `params`, `param:<name>` (the name), `policy:<field>`, `after:<id>`, `with`, `with:<name>`.

    `name` is that of a failure, where it may be left out, with the space before it; `value:<name>` all behind the name of a parameter,
    with its colon. Both are known of the language alone.
    """
    known_reads: tuple[Any, ...] | None = field(default=None, init=False, repr=False, compare=False)
    """What its parameters read, once `ir.graph` has been asked."""

    def param(self, name: str) -> Value | None:
        """Return what a parameter is bound to."""
        for key, value in self.params:
            if key == name:
                return value
        return None

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

    def walk(self) -> Iterator[Node]:
        """Yield every node, those of bodies after the node that owns them."""
        for node in self.nodes:
            yield node
            if node.body is not None:
                yield from node.body.walk()


def region_of(owner: str, nodes: Iterable[Node], variables: tuple[str, ...]) -> Region:
    """Make the body of a node: what it gives (`yield`, `next`) is named after the owner, however a notation calls it."""
    named = (replace(node, id=f"{owner}/{node.type}") if node.type in INNER_TYPES else node for node in nodes)
    return Region(tuple(sorted(named, key=lambda node: node.id)), variables)


def called_by(node: Node) -> str:
    """Return the name under which a node's type knows the pipeline that it runs, or starts; empty where it does neither."""
    family, _, name = node.type.partition(".")
    return name if family in (CALL, START) else ""


def asks(owner: str, condition: Value, origin: Origin) -> Node:
    """Make the node that stands in the body of a loop for what it asks before each round."""
    origins = (("param:value", origin), ("type", origin))
    return Node(f"{owner}/{CHECK}", CHECK, params=(("value", condition),), origin=origin, origins=origins)


def map_nodes(region: Region, change: Callable[[Node], Node]) -> Region:
    """Apply a function to every node, those of bodies first; the region itself comes back where it changed none."""
    changed = []
    for node in region.nodes:
        body = None if node.body is None else map_nodes(node.body, change)
        changed.append(change(node if body is node.body else replace(node, body=body)))
    same = all(node is given for node, given in zip(changed, region.nodes, strict=True))
    return region if same else replace(region, nodes=tuple(changed))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole workflow. `output` is declared; None means: whatever `return` gives."""

    name: str
    input: ObjectType
    output: ObjectType | None = None
    uses: tuple[Use, ...] = ()
    secrets: tuple[Secret, ...] = ()
    connections: tuple[Connection, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    settings: tuple[tuple[str, Json], ...] = ()
    """Pipeline-wide options: some of `SETTINGS`, in seconds; `concurrency` as `ir.concurrency` says."""
    policy: Policy = Policy()
    body: Region = Region()
    budget: Budget = ()
    """What a run may cost at most, as `ir.budget` says."""
    description: str = field(default="", compare=False)
    origin: Origin = field(default=NOWHERE, compare=False)
    origins: tuple[tuple[str, Origin], ...] = field(default=(), compare=False)
    """Places of `name`, `input`, `output`, `settings`, `budget`, and of each limit: `budget:time`,
    `budget:calls.bank`, `concurrency:key`."""

    def connection(self, name: str) -> Connection | None:
        """Return the connection of that name, if any."""
        return next((connection for connection in self.connections if connection.name == name), None)

    def use(self, name: str) -> Use | None:
        """Return what is used under that name, if anything."""
        return next((use for use in self.uses if use.name == name), None)

    def secret(self, name: str) -> Secret | None:
        """Return the secret of that name, if any."""
        return next((secret for secret in self.secrets if secret.name == name), None)

    def place(self, part: str) -> Origin:
        """Return the place of a part, or of the pipeline where the part has none of its own."""
        return next((origin for key, origin in self.origins if key == part), self.origin)
