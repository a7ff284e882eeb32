"""What the text of a pipeline says, before anything is looked up: one frozen class a construct, each with its place."""

from __future__ import annotations

from typing import Literal, TypeAlias

from saltern_compiler.expr.ast import Expr, Ident, MapExpr, Span
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ObjectType, Type


@dataclass(frozen=True, slots=True)
class Name:
    """A word of the source."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Embedded(Ident):
    """What stands where an expression may, but is none: `name` is its source text."""

    kind: Literal["template", "type", "duration", "worded"] = "template"
    type: Type | None = None
    settings: MapExpr | None = None
    """Of `worded`, which is a word with settings behind it: these."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`key: value` of an object or of parameters; the key of parameters is a constant string."""

    key: Expr
    value: Expr
    optional: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Params:
    """`{ … }` after an operation."""

    entries: tuple[Entry, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """What stands in the parentheses of a decorator."""

    name: Name | None
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Decorator:
    """`@name(arguments)`."""

    name: Name
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Handle:
    """`route.case.billing`: a node and what it activates."""

    source: str
    handle: str
    span: Span


@dataclass(frozen=True, slots=True)
class Clauses:
    """`after a, b`, `join any` and `when all(a.then, b.else)`, as far as they are given."""

    after: tuple[Name, ...] = ()
    join: Name | None = None
    when: tuple[Handle, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What every named statement begins with."""

    decorators: tuple[Decorator, ...]
    name: Name | None
    clauses: Clauses = Clauses()


@dataclass(frozen=True, slots=True)
class Operation:
    """A node type with the version that is written, if any."""

    name: str
    version: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """`with { name: other }`: the connections of a pipeline that is called, and those that stand in for them."""

    names: tuple[tuple[Name, Name], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class NodeStatement:
    """`id = operation(connection) { params }`, and `do names { … }` or `with { … }` behind it."""

    head: Head
    operation: Operation
    connection: Name | None
    params: Params
    compensate: Compensation | None
    body: Body | None
    mapping: Mapping | None
    handler: Handler | None
    span: Span


@dataclass(frozen=True, slots=True)
class Compensation:
    """`compensate { statements }`: what takes back what a node did."""

    block: Block
    span: Span


@dataclass(frozen=True, slots=True)
class Handler:
    """`on error name { statements }`: what runs where a node has failed, and the name of how it did."""

    variable: Name | None
    block: Block
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """`do names { statements }`: the graph that a node owns, and the names that the node binds in it."""

    variables: tuple[Name, ...]
    block: Block


@dataclass(frozen=True, slots=True)
class Block:
    """`{ statements }`."""

    statements: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Case:
    """A handle that activates a block; `literal` is the value of a case of a `switch`, None for the others."""

    handle: str
    literal: str | int | bool | None
    is_case: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Arm:
    """A block of an `if` or `switch` under the handles of which any one activates it."""

    cases: tuple[Case, ...]
    block: Block


@dataclass(frozen=True, slots=True)
class BranchStatement:
    """`id = if condition { … } else { … }` or `id = switch value { … }`."""

    kind: Literal["if", "switch"]
    head: Head
    subject: Expr
    arms: tuple[Arm, ...]
    keyword: Span
    span: Span
    is_else: bool = False
    """Stands behind the `else` of another one, which names it."""


@dataclass(frozen=True, slots=True)
class RegionStatement:
    """`foreach`, `while` or `try`: a construct with words of its own that owns nested graphs."""

    kind: str
    head: Head
    variables: tuple[Name, ...]
    values: tuple[Expr, ...]
    at_most: tuple[int, Span] | None
    within: Expr | None
    on_error: Name | None
    on_limit: Name | None
    type: Embedded | None
    """Of the state of a `while`."""
    blocks: tuple[Block, ...]
    handler: Handler | None
    keyword: Span
    span: Span


@dataclass(frozen=True, slots=True)
class ParallelArm:
    """`name => { … }`: one of the ways of a `parallel`."""

    name: Name
    block: Block


@dataclass(frozen=True, slots=True)
class ParallelStatement:
    """`id = parallel, join mode { name => { … } }`; `number` is that of a quorum."""

    head: Head
    mode: Name | None
    number: tuple[int, Span] | None
    arms: tuple[ParallelArm, ...]
    keyword: Span
    span: Span


@dataclass(frozen=True, slots=True)
class ResultStatement:
    """`return`, `yield` or `next` with its value."""

    kind: str
    head: Head
    value: Expr
    keyword: Span
    span: Span


Statement: TypeAlias = NodeStatement | BranchStatement | RegionStatement | ParallelStatement | ResultStatement


@dataclass(frozen=True, slots=True)
class PipelineLine:
    """`pipeline name`."""

    decorators: tuple[Decorator, ...]
    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class DescriptionLine:
    """`description "…"`."""

    text: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """`settings { … }`."""

    params: Params
    span: Span


@dataclass(frozen=True, slots=True)
class BudgetSection:
    """`budget { … }`."""

    params: Params
    span: Span


@dataclass(frozen=True, slots=True)
class TypeSection:
    """`input { … }` or `output { … }`."""

    kind: Literal["input", "output"]
    type: ObjectType
    span: Span


@dataclass(frozen=True, slots=True)
class UseLine:
    """`use name = "path"`."""

    name: Name
    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class SecretLine:
    """`secret name = source`."""

    name: Name
    source: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class ConnectionLine:
    """`connection name = connector { settings }`."""

    decorators: tuple[Decorator, ...]
    name: Name
    connector: Name
    settings: Params
    span: Span


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """`on type "path" { settings }`."""

    type: Name
    path: Expr | None
    settings: Params | None
    span: Span


Section: TypeAlias = (
    PipelineLine
    | DescriptionLine
    | SettingsSection
    | BudgetSection
    | TypeSection
    | UseLine
    | SecretLine
    | ConnectionLine
    | TriggerLine
)
Item: TypeAlias = Section | Statement
