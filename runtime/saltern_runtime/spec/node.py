"""What a node type is: the half of it that the compiler reads.

The other half, the callable that does the work, is named by a string (`call`) and imported only where it runs, so that
reading every spec loads no vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from saltern_runtime.spec.policy import Policy
from saltern_runtime.spec.types import ANY, Json, Type


class Effect(StrEnum):
    """What a repeated call does to the world."""

    PURE = "pure"
    """May be folded, merged, recomputed."""
    IDEMPOTENT = "idempotent"
    """Safe to retry."""
    EXTERNAL = "external"
    """Needs an idempotency key."""


class Emit(StrEnum):
    """How the body of the generated function is written."""

    CALL = "call"
    """`return module.function(ctx, name=value, ...)`: the callable named by `NodeType.call`."""
    VALUE = "value"
    """`return <the one parameter>`: set, template, return."""
    IF = "if"
    SWITCH = "switch"
    MERGE = "merge"
    GIVEN = "given"
    """`return <the one parameter that is given and passed>`, in that parameter's type, of which the engine makes the node's
    value: foreach, wait."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a node type."""

    name: str
    type: Type = ANY
    required: bool = True
    default: Json = None
    """What an absent parameter means; the callable has the same default."""
    static: bool = False
    """Known at compile time: a literal in the source, never an expression (SQL, function names, cases)."""
    is_type: bool = False
    """Takes a type (`type { … }`), not a value."""
    template: bool = True
    """Whether a template may stand here; never for SQL, so that user text is bound, not interpolated."""
    keep_skipped: bool = False
    """Reads references that may have been skipped (merge)."""
    secret: bool = False
    """A connector setting that holds a secret, given as a reference only."""
    passed: bool = True
    """Whether the callable takes it; otherwise the compiler alone reads it (`python.call`'s `effect`)."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a node binds, as far as it is known when types are computed."""

    literals: Mapping[str, Json]
    """Parameters whose value is a literal."""
    types: Mapping[str, Type]
    """Each given parameter's type; for `is_type` parameters the type itself."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The pipeline's own modules: path relative to the pipeline → source text."""
    lengths: Mapping[str, int] = field(default_factory=dict)
    """Parameters that are written out as a list (whatever its items) → how many items."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of a node type about its own parameters."""

    param: str
    message: str
    notes: tuple[str, ...] = ()
    code: str = "ill-typed-parameter"


def _no_problems(_: Bound) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True, slots=True)
class NodeType:
    """A named, versioned operation (`slack.post_message@1`)."""

    name: str
    summary: str
    result: Type | Callable[[Bound], Type]
    """The type of the node's output value, fixed or computed from what is bound; never raises for bad input: `check` reports."""
    version: int = 1
    params: tuple[Param, ...] = ()
    effect: Effect | Callable[[Bound], Effect] = Effect.EXTERNAL
    connector: str | None = None
    connection_required: bool = True
    """Whether a node must name a connection of `connector` (http.request works without)."""
    emit: Emit = Emit.CALL
    call: str = ""
    """`package.module:function`, called as `function(ctx, **params)`; only for `Emit.CALL`."""
    queue: str = "default"
    policy: Policy = Policy()
    requires: tuple[str, ...] = ()
    """Extras that the callable needs, such as `slack`: of the distribution that offers the node type."""
    check: Callable[[Bound], Iterable[Problem]] = _no_problems
    result_model: str = ""
    """`package.module:Class` of the result, where the type is fixed; given an `is_type` parameter, the result is that type instead."""
    imports_param: str = ""
    """A static parameter `module:name` that generated code passes as the imported object (`from package import module`)."""
    result_param: str = ""
    """Keyword under which the callable takes the result's annotation, given where the result holds generated models."""

    @property
    def key(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    def param(self, name: str) -> Param | None:
        """Return the parameter of that name, if any."""
        return next((param for param in self.params if param.name == name), None)


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A kind of external system: its settings and secrets, shared by the nodes that use a connection of it."""

    name: str
    summary: str
    settings: tuple[Param, ...] = ()
    """Non-secret settings and, with `secret=True`, the ones that take secret references."""
    policy: Policy = Policy()
    egress: Callable[[Mapping[str, Json]], tuple[str, ...]] = lambda _: ()
    """`host:port` targets that the literal settings imply; `*:port` where a secret holds the host."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Setting → environment variable that overrides it at run time (`base_url` → `SALTERN_SLACK_BASE_URL`)."""

    def setting(self, name: str) -> Param | None:
        """Return the setting of that name, if any."""
        return next((param for param in self.settings if param.name == name), None)
