"""Random pipelines: whatever the IR can say, with text of every kind in every place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, Macro, MapExpr, Select
from saltern_compiler.frontend.remarks import Remark
from saltern_compiler.ir.attempts import expand, is_part, part_id, spread
from saltern_compiler.ir.pipeline import (
    LABEL_SETTINGS,
    Connection,
    ControlEdge,
    Node,
    Pipeline,
    Region,
    Secret,
    Trigger,
    Use,
    asks,
    region_of,
)
from saltern_compiler.ir.values import (
    Expression,
    Literal,
    SecretRef,
    TypeValue,
    Value,
    make_expression,
    make_list,
    make_object,
    make_template,
)
from saltern_runtime.spec import (
    ANY,
    BOOL,
    FILE,
    INT,
    STRING,
    Field,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Policy,
    Retry,
    Type,
    obj,
    optional,
    union,
)

T = TypeVar("T")
TEXT = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "two words",
            "{{",
            "}}",
            "{",
            "`",
            "\\",
            '"',
            "'",
            "\n",
            " x\n  y ",
            "\n\n",
            "\t",
            "#",
            "${x}",
            "$expr",
            "€ \u202e",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
NAME = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)
MAPPINGS = st.dictionaries(NAME, NAME, max_size=4).map(lambda names: tuple(sorted(names.items())))
KEY = st.one_of(
    NAME, st.sampled_from(["in", "true", "null", "type", "if", "on", "return", "my key", "$expr", "1", "-", ""]), TEXT
)
INTEGER = st.integers(-(2**63), 2**63 - 1)
SCALAR = st.one_of(st.none(), st.booleans(), INTEGER, st.floats(allow_nan=False, allow_infinity=False), TEXT)
JSON = st.recursive(
    SCALAR, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEY, inner, max_size=3)), max_leaves=6
)
FIELD = st.one_of(NAME, st.sampled_from(["my field", "in", "a-b", "it's"]))
SECONDS = st.one_of(st.sampled_from([0.0, 0.5, 20.0, 90.0, 3600.0, 86400.0, 0.1234567]), st.floats(0.001, 10_000))


@dataclass
class Sight:
    """What the expressions read that are drawn now: `SIGHT` is one for all, so that each strategy is made and checked once."""

    names: Sequence[str] = ()
    skipped: Sequence[str] = ()
    """What may have been skipped: `merge` alone reads it."""


SIGHT = Sight()


def seeing(draw: st.DrawFn, of: st.SearchStrategy[T], names: Sequence[str], skipped: Sequence[str] = ()) -> T:
    """Draw what reads these names."""
    before = replace(SIGHT)
    SIGHT.names, SIGHT.skipped = tuple(names), tuple(skipped)
    try:
        return draw(of)
    finally:
        SIGHT.names, SIGHT.skipped = before.names, before.skipped


SIGNATURE = st.one_of(
    st.sampled_from(["standard", "github", "none"]),
    st.fixed_dictionaries(
        {"header": TEXT}, optional={"algorithm": st.just("sha512"), "encoding": TEXT, "signed": TEXT, "key": TEXT}
    ).map(lambda settings: {"hmac": settings}),
    st.dictionaries(TEXT, TEXT, max_size=2).map(lambda settings: {"token": settings}),
    TEXT,
).map(Literal)
"""How a webhook is signed: words, words with settings, and what is neither."""


@st.composite
def _name(draw: st.DrawFn) -> Expr:
    return Ident(draw(st.sampled_from(SIGHT.names)))


@st.composite
def _name_or_merge(draw: st.DrawFn) -> Expr:
    if not SIGHT.skipped:
        return draw(_name())
    chosen = draw(st.lists(st.sampled_from(SIGHT.skipped), min_size=1, max_size=3, unique=True))
    return Call("merge", tuple(Ident(name) for name in chosen))


@st.composite
def _read(draw: st.DrawFn, inner: st.SearchStrategy[Expr]) -> Expr:
    """Make what has fields or items: no constant."""
    made = draw(inner)
    return draw(_name()) if isinstance(made, Const) else made


EXPRS: st.SearchStrategy[Expr] = st.recursive(
    st.one_of(st.builds(Const, st.one_of(st.booleans(), st.integers(0, 99), TEXT)), _name(), _name_or_merge()),
    lambda inner: st.one_of(
        st.builds(Select, _read(inner), FIELD, st.just(value=False)),
        st.builds(Index, _read(inner), inner),
        st.builds(
            lambda a, b, op: Call(op, (a, b)),
            inner,
            inner,
            st.sampled_from(["_+_", "_&&_", "_||_", "_==_", "@in", "_*_"]),
        ),
        st.builds(lambda a, b, c: Call("_?_:_", (a, b, c)), inner, inner, inner),
        st.builds(lambda a: Call("!_", (a,)), inner),
        st.builds(lambda a: Call("size", (a,)), inner),
        st.builds(lambda k, v: MapExpr(((k, v),)), inner, inner),
        st.builds(lambda a, b: Macro("map", a, ("each",), (b,)), _read(inner), inner),
    ),
    max_leaves=6,
)
"""Expressions that read what is in sight."""


@st.composite
def object_types(draw: st.DrawFn, inner: st.SearchStrategy[Type]) -> ObjectType:
    """Make object types; a doc is text that JSON Schema calls a description."""
    fields = {
        name: Field(
            name,
            draw(inner),
            draw(st.booleans()),
            personal=draw(st.booleans()),
            secret=draw(st.booleans()),
            doc=draw(st.sampled_from(["", "What."])),
        )
        for name in draw(st.lists(KEY, max_size=3, unique=True))
    }
    return obj(fields, open=draw(st.booleans()))


TYPES: st.SearchStrategy[Type] = st.recursive(
    st.one_of(
        st.sampled_from([ANY, BOOL, FILE, INT, STRING]),
        st.builds(LiteralType, st.one_of(TEXT, st.integers(-9, 9), st.booleans())),
    ),
    lambda inner: st.one_of(
        st.builds(ListType, inner),
        st.builds(MapType, inner),
        inner.map(optional),
        st.builds(union, inner, inner),
        object_types(inner),
    ),
    max_leaves=4,
)
"""Types of every kind."""
OBJECT = object_types(TYPES)


def _values(depth: int) -> st.SearchStrategy[Value]:
    plain = EXPRS.map(make_expression)
    parts = st.lists(st.one_of(TEXT, plain.filter(lambda each: isinstance(each, Expression))), max_size=4)
    leaf = st.one_of(JSON.map(Literal), plain, parts.map(make_template), TYPES.map(TypeValue))
    if depth == 0:
        return leaf
    inner = _values(depth - 1)
    keys = KEY.filter(lambda key: not key.startswith("$"))
    return st.one_of(
        leaf, st.lists(inner, max_size=3).map(make_list), st.dictionaries(keys, inner, max_size=3).map(make_object)
    )


VALUES = _values(2)
"""Values of every kind in normal form."""
PARAMS = st.dictionaries(KEY, VALUES, max_size=3)
CONDITIONS = EXPRS.map(make_expression)
SUBJECTS = st.one_of(CONDITIONS, TEXT.map(Literal))
CASES = st.one_of(TEXT, st.integers(-9, 9), st.booleans(), st.none())


POLICY = st.builds(
    Policy,
    timeout=st.none() | SECONDS,
    retry=st.none() | st.builds(Retry, st.integers(1, 9), SECONDS, SECONDS),
    priority=st.none() | st.integers(0, 9),
    ttl=st.none() | SECONDS,
    on_error=st.sampled_from([None, "fail", "continue"]),
    on_ambiguous=st.sampled_from([None, "retry", "fail"]),
    cache=st.none() | SECONDS,
)
REMARKS = st.sampled_from(["", "One line.", "Two\nlines.", "# hash", "A blank\n\nline."])


@st.composite
def _of_while(draw: st.DrawFn) -> dict[str, Value]:
    """What a `while` may have beside its state and its limit."""
    may = {
        "within": make_expression(Call("duration", (Const("90s"),))),
        "on_limit": Literal("continue"),
        "type": TypeValue(draw(TYPES)),
    }
    return {name: value for name, value in may.items() if draw(st.booleans())}


@st.composite
def _nodes(draw: st.DrawFn, prefix: str, names: list[str], depth: int) -> list[Node]:
    made: list[Node] = []
    open_names, skipped = list(names), []
    fallible: set[str] = set()
    for number in range(draw(st.integers(0, 5))):
        node_id = f"{prefix}{number}"
        gates = [
            ControlEdge(each.id, handle) for each in made if _is_drawn(each) for handle in _handles(each, fallible)
        ]
        control = (
            draw(st.lists(st.sampled_from(gates), max_size=2, unique_by=lambda edge: (edge.source, edge.handle)))
            if gates
            else []
        )
        after = (
            draw(st.lists(st.sampled_from([each.id for each in made if _is_drawn(each)]), max_size=2, unique=True))
            if made
            else []
        )
        kinds = [
            "set",
            "error",
            "llm.chat",
            "call.score",
            "start.score",
            "if",
            "switch",
            *(["foreach", "while", "try", "parallel"] if depth else []),
        ]
        kind = draw(st.sampled_from(kinds))
        params: dict[str, Value] = seeing(draw, PARAMS, open_names, skipped)
        body = None
        if kind == "if":
            params = {"condition": seeing(draw, CONDITIONS, open_names, skipped)}
        elif kind == "switch":
            cases = draw(st.lists(CASES, max_size=3, unique_by=_case))
            params = {
                "value": seeing(draw, SUBJECTS, open_names, skipped),
                "cases": Literal(sorted(cases, key=_case)),
            }
        elif kind == "foreach":
            variable = f"{node_id}_item"
            inner = draw(_nodes(f"{node_id}_", [*open_names, variable], depth - 1))
            inner.append(Node("yield", "yield", params=(("value", seeing(draw, VALUES, [variable])),)))
            body = region_of(node_id, inner, (variable,))
            params = {
                "items": seeing(draw, CONDITIONS, open_names, skipped),
                "at_most": Literal(draw(st.integers(1, 64))),
                "on_error": Literal("collect"),
            }
        elif kind in {"error", "try", "parallel"}:
            params = {}
        elif kind == "while":
            variable = f"{node_id}_state"
            inner = draw(_nodes(f"{node_id}_", [*open_names, variable], depth - 1))
            inner.append(Node("next", "next", params=(("value", seeing(draw, VALUES, [variable])),)))
            inner.append(asks(node_id, seeing(draw, CONDITIONS, [variable, *open_names]), NOWHERE))
            body = region_of(node_id, inner, (variable,))
            params = {"state": seeing(draw, VALUES, open_names, skipped), "at_most": Literal(draw(st.integers(1, 64)))}
            params |= draw(_of_while())
        policy = draw(POLICY) if draw(st.booleans()) else Policy()
        label = draw(st.sampled_from(["", 'A "label"']))
        node = Node(
            node_id,
            kind,
            version=2 if kind == "llm.chat" else 1,
            params=tuple(sorted(params.items())),
            connection="model" if kind == "llm.chat" else None,
            mapping=draw(MAPPINGS) if kind in {"call.score", "start.score"} else (),
            control=tuple(sorted(control, key=lambda edge: (edge.source, edge.handle))),
            join=draw(st.sampled_from(["all", "any"])),
            after=tuple(sorted(after)),
            policy=policy,
            disabled=draw(st.booleans()),
            body=body,
            label=label,
        )
        if kind in {"try", "parallel"}:
            node = replace(node, join="all") if len(control) < 2 else node
            node, *others = draw((_tries if kind == "try" else _arms)(node, open_names, depth))
            made += others
        made.append(node)
        if kind == "llm.chat" and depth and draw(st.booleans()):
            inner = draw(_nodes(f"{node_id}_undo", [*open_names, node_id], depth - 1))
            undo = part_id(node_id, "compensate")
            edge = ControlEdge(node_id, "compensate")
            made.append(Node(undo, "compensate", control=(edge,), body=region_of(undo, inner, ())))
        if draw(st.booleans()):
            fallible.add(node_id)
        (skipped if control or node_id in fallible else open_names).append(node_id)
    return made


@st.composite
def _tries(draw: st.DrawFn, node: Node, names: list[str], depth: int) -> tuple[Node, ...]:
    bodies = []
    for part in ("a", "b"):
        inner = draw(_nodes(f"{node.id}_{part}", names, depth - 1))
        bodies.append([*inner, Node("yield", "yield", params=(("value", seeing(draw, VALUES, names)),))])
    return expand(node, *bodies, draw(st.sampled_from([(), (f"{node.id}_error",)])))


@st.composite
def _arms(draw: st.DrawFn, node: Node, names: list[str], depth: int) -> tuple[Node, ...]:
    arms: dict[str, list[Node]] = {}
    for name in draw(st.lists(NAME, min_size=1, max_size=3, unique=True)):
        inner = draw(_nodes(f"{node.id}_{name}", names, depth - 1))
        arms[name] = [*inner, Node("yield", "yield", params=(("value", seeing(draw, VALUES, names)),))]
    join = draw(st.sampled_from([{}, {"join": Literal("any")}, {"join": Literal("quorum"), "quorum": Literal(2)}]))
    return spread(replace(node, params=tuple(sorted(join.items()))), arms)


def _case(case: object) -> str:
    return (
        {None: "null", True: "true", False: "false"}.get(case, str(case))
        if case is None or isinstance(case, bool)
        else str(case)
    )


def _is_drawn(node: Node) -> bool:
    return not is_part(node) and node.type != "compensate"


def _handles(node: Node, fallible: set[str]) -> list[str]:
    if node.type == "if":
        return ["then", "else"]
    if node.type in ("set", "llm.chat", "foreach", "while"):
        return ["success", "error"] if node.id in fallible else []
    cases = node.param("cases")
    return (
        [*(f"case.{_case(case)}" for case in cases.value), "else"]
        if isinstance(cases, Literal) and node.type == "switch"
        else []
    )


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Make pipelines whose parts are all sound for themselves."""
    nodes = draw(_nodes("n", ["input"], 1))
    if draw(st.booleans()):
        named = [node for node in nodes if _is_drawn(node)]
        open_names = ["input", *(node.id for node in named if not node.control)]
        value = seeing(draw, VALUES, open_names, [node.id for node in named if node.control])
        nodes.append(Node("return", "return", params=(("value", value),)))
    names = draw(st.lists(NAME, max_size=3, unique=True))
    secrets = tuple(Secret(name, f"env:{name.upper()}") for name in sorted(names))
    settings: dict[str, Value] = {
        "key": SecretRef(secrets[0].name) if secrets else Literal("x"),
        "model": draw(TEXT.map(Literal)),
    }
    limits = draw(st.fixed_dictionaries({}, optional={"concurrency": st.integers(1, 9), "by": st.just("tenant")}))
    settings |= {"limits": Literal({"per_second": 2.5, **limits})} if limits else {}
    labels = draw(
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                LABEL_SETTINGS, st.sampled_from([[], ["personal"], ["secret", "personal"], ["neither", "a b"]])
            ),
        )
    )
    settings |= {name: Literal([*words]) for name, words in labels.items()}
    triggers = [
        Trigger("api"),
        Trigger("webhook", (("path", draw(TEXT.map(Literal))), ("signature", draw(SIGNATURE)))),
    ]
    return Pipeline(
        draw(st.one_of(NAME, TEXT.filter(bool))),
        draw(OBJECT),
        draw(st.none() | OBJECT),
        tuple(Use(name, path) for name, path in sorted(draw(st.dictionaries(NAME, TEXT, max_size=2)).items())),
        secrets,
        (Connection("model", "openai", tuple(sorted(settings.items())), draw(POLICY)),),
        tuple(
            draw(
                st.lists(st.sampled_from(triggers), unique_by=lambda each: each.type, max_size=2).map(
                    lambda made: sorted(made, key=lambda each: each.type)
                )
            )
        ),
        tuple(sorted(draw(SETTINGS).items())),
        draw(POLICY),
        Region(tuple(sorted(nodes, key=lambda node: node.id))),
        description=draw(TEXT),
        budget=tuple(sorted(draw(BUDGET).items())),
    )


_KEY = st.one_of(NAME.map(lambda name: f"input.{name}"), TEXT)
SETTINGS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "deadline": SECONDS,
        "retention": SECONDS,
        "concurrency": st.fixed_dictionaries(
            {},
            optional={
                "key": st.one_of(_KEY, st.lists(_KEY, max_size=2)),
                "at_most": st.integers(1, 10**12),
                "then": st.sampled_from(["queue", "drop", "cancel_previous"]),
            },
        ),
    },
)
COUNT: st.SearchStrategy[int] = st.integers(0, 10**12)
BUDGET: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "time": SECONDS,
        "calls": st.dictionaries(st.one_of(NAME, TEXT.filter(bool)), COUNT, min_size=1, max_size=3),
        "model_calls": COUNT,
        "tokens": COUNT,
        "bytes": COUNT,
        "assume": st.builds(
            dict,
            st.one_of(
                st.dictionaries(st.just("size(input.rows)"), COUNT, min_size=1),
                st.dictionaries(st.just("wait(asked)"), SECONDS, min_size=1),
            ),
        ),
    },
)


@st.composite
def remarks(draw: st.DrawFn, pipeline: Pipeline) -> list[Remark]:
    """Make remarks about a pipeline's parts, and about what is not there."""
    anchors = [
        "pipeline",
        "end",
        "input",
        "connection model",
        "node gone",
        *(f"node {node.id}" for node in pipeline.body.walk()),
    ]
    return draw(
        st.lists(
            st.builds(
                Remark,
                st.sampled_from(anchors),
                REMARKS,
                st.sampled_from(["", "value", "condition", "then", "case.a", "key"]),
                st.sampled_from(["before", "beside", "inside"]),
            ),
            max_size=5,
        )
    )
