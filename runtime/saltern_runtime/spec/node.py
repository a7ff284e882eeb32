"""What a node type is: the half of it that the compiler reads.

The other half, the callable that does the work, is named by a string (`call`) and imported only where it runs, so that
reading every spec loads no vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from enum import StrEnum

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.awaits import AwaitsSpec
from saltern_runtime.spec.param import Bound, Param, Problem
from saltern_runtime.spec.policy import Policy
from saltern_runtime.spec.region import RegionSpec
from saltern_runtime.spec.steps import Step
from saltern_runtime.spec.types import Json, Type


class Effect(StrEnum):
    """What a repeated call does to the world."""

    PURE = "pure"
    """May be folded, merged, recomputed."""
    READ = "read"
    """Changes nothing, and gives what something outside keeps: one call may stand for another at the same time."""
    IDEMPOTENT = "idempotent"
    """Safe to retry."""
    EXTERNAL = "external"
    """Needs an idempotency key."""


class Emit(StrEnum):
    """How the body of the generated function is written."""

    CALL = "call"
    """`return module.function(ctx, name=value, ...)`: the callable named by `NodeType.call`."""
    VALUE = "value"
    """`return <the one parameter that is given and passed>`: set, template, return, wait."""
    IF = "if"
    SWITCH = "switch"
    MERGE = "merge"
    EITHER = "either"
    """As `merge`, where one of the values is always there."""
    JOIN = "join"
    """The values of several arms: of all, or of those that a race was decided by."""
    ERROR = "error"
    """`return failure`: what became of the node whose handle `error` it hangs on; a region has it as its only item."""
    ONCE = "once"
    """`return [None]`: a region of one round that nothing is known of."""
    INPUT = "input"
    """`return [Input(...)]`: what another pipeline is called with, made of all parameters."""


def _no_problems(_: Bound) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True, slots=True)
class AsksModel:
    """How a node type asks a language model, by its parameters: what bounds of calls and tokens are made of."""

    reads: tuple[str, ...]
    """Texts that are sent."""
    most: str
    """A whole number: tokens of an answer, at most."""
    answer: str
    """The type of an answer, where it is to have one."""
    again: Param
    """A whole number: how often one attempt asks once more, where an answer is not of its type."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """A named, versioned operation (`slack.post_message@1`)."""

    name: str
    summary: str
    result: Type | Callable[[Bound], Type]
    """The type of the node's output value, fixed or computed from what is bound; never raises for bad input: `check` reports."""
    version: int = 1
    deprecated: str = ""
    """Why a later version should be used, as a sentence; empty where this one is as good as any."""
    params: tuple[Param, ...] = ()
    effect: Effect | Callable[[Bound], Effect] = Effect.EXTERNAL
    repeats: bool = False
    """Whether a second call surely acts a second time: it carries no idempotency key, and nothing that is bound could tell the other side."""
    connector: str | None = None
    connection_required: bool = True
    """Whether a node must name a connection of `connector` (http.request works without)."""
    emit: Emit = Emit.CALL
    handles: tuple[str, ...] | Callable[[Bound], tuple[str, ...] | None] = ()
    """Handles that others may hang on, of which the node's value names the one that was taken; None where what is bound is
    wrong. Types are not known yet when this is asked."""
    taken: Callable[[Bound], tuple[str, ...]] | None = None
    """Those of `handles` of which always one is taken, once types are known; None: all of them."""
    region: RegionSpec | None = None
    """For a node type that owns a body: the function gives the items of its rounds."""
    calls: str = ""
    """The name under which a pipeline knows another one, whose graph runs as a part of the run: the function gives its input."""
    detached: bool = False
    """Whether what it calls is a run of its own: the node's value is that run's id."""
    sleeps: bool = False
    """The function gives a length of time, or a point in time, for which the run sleeps; the node's value is null."""
    awaits: AwaitsSpec | None = None
    """The function gives an `Ask`; the node's value is the answer that comes from outside."""
    responds: bool = False
    """The node's value answers the request that started the run."""
    model: AsksModel | None = None
    """How it asks a language model; None where it asks none."""
    egress: tuple[str, ...] = ()
    """`host:port` that the callable connects to whatever is bound; parameters that are URLs (`Param.is_url`) add theirs."""
    call: str = ""
    """`package.module:function`, called as `function(ctx, **params)`; only for `Emit.CALL`."""
    queue: str = "default"
    policy: Policy = Policy()
    requires: tuple[str, ...] = ()
    """Extras that the callable needs, such as `slack`: of the distribution that offers the node type."""
    check: Callable[[Bound], Iterable[Problem]] = _no_problems
    result_model: str = ""
    """`package.module:Class` of the result (of a region: of its items), where the type is fixed; given an `is_type` parameter, the
    result is that type instead. Of a computed type: the class of what it is without parameters."""
    bare: tuple[str, ...] = ()
    """Fields of the result that hold nothing of what is bound (an id that the other side makes, a count): labels do not go on into them."""
    clears: Callable[[Bound], str] | None = None
    """Why the result carries no labels of what is bound, where that is said; empty: it carries them."""
    imports_param: str = ""
    """A static parameter `module:name` that generated code passes as the imported object (`from package import module`)."""
    result_param: str = ""
    """Keyword under which the callable takes the result's annotation, given unless the result is `result_model`."""
    steps: tuple[Step[Bound], ...] = ()
    """How nodes of older versions become newer ones, each step once; those of the newest version count."""

    @property
    def key(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def suspends(self) -> bool:
        """Whether the stage that the node ends is suspended once its function has returned: the engine makes its value later."""
        return self.region is not None or self.sleeps or self.awaits is not None or bool(self.calls)

    @property
    def keeps_skipped(self) -> bool:
        """Whether it reads what may have been skipped, so that it stands behind branches, not in one."""
        return any(param.keep_skipped for param in self.params)

    def param(self, name: str) -> Param | None:
        """Return the parameter of that name, if any."""
        return next((param for param in self.params if param.name == name), None)

    def model_of(self, result: Type) -> str:
        """Return `result_model` where it is the class of a result, else nothing."""
        if not self.result_model or self.region is not None or not callable(self.result):
            return self.result_model
        return self.result_model if self.result(Bound({}, {})) == result else ""


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A kind of external system: its settings and secrets, shared by the nodes that use a connection of it."""

    name: str
    summary: str
    settings: tuple[Param, ...] = ()
    """Non-secret settings and, with `secret=True`, the ones that take secret references."""
    exclusive: tuple[str, ...] = ()
    """Settings of which a connection has at most one."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Name that a setting had → the one that it has now, which `saltern upgrade` writes; it means the same."""
    policy: Policy = Policy()
    egress: Callable[[Mapping[str, Json]], tuple[str, ...]] = lambda _: ()
    """`host:port` targets that the literal settings imply; `*:port` where a secret holds the host."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Setting → environment variable that overrides it at run time (`base_url` → `SALTERN_SLACK_BASE_URL`)."""
    requires: tuple[str, ...] = ()
    """Extras that a connection of it needs, whatever node uses it."""

    def setting(self, name: str) -> Param | None:
        """Return the setting of that name, if any."""
        return next((param for param in self.settings if param.name == name), None)
