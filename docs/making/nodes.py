"""The reference of the node types: what their specs say, and beside it what a page of `docs/nodes` has to add."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from docs.making.tables import code, table
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.registry import NODE_TYPES, Registry
from saltern_runtime.spec import (
    ANY,
    DEFAULT_POLICY,
    Bound,
    ConnectorSpec,
    Effect,
    Json,
    NodeType,
    ObjectType,
    Param,
    Policy,
    Retry,
    Type,
    show,
)

_NOTHING: Final = Bound({}, {})
_EFFECTS: Final = {
    Effect.PURE: "pure: it calculates and touches nothing outside",
    Effect.READ: "read: it changes nothing; calls that are ready together may be one at `-O2`",
    Effect.IDEMPOTENT: "idempotent: calling it twice does what calling it once does",
    Effect.EXTERNAL: "external: a call that is repeated carries the same idempotency key",
}
_INDEX: Final = """# Nodes

Everything that a pipeline does is a node of one of these types. The tables come from the specs that the compiler checks
pipelines against; `saltern nodes` lists the same, with the node types of installed plugins.

"""


def own_nodes(registry: Registry) -> list[NodeType]:
    """Return the newest version of each node type of ours, by name."""
    newest = [registry.node(name, max(registry.versions(name))) for name in registry.node_names()]
    return [spec for spec in newest if spec is not None and registry.plugin(NODE_TYPES, spec.key) is None]


def nodes_index(registry: Registry) -> str:
    """Write the page that lists the node types."""
    rows = (
        (f"[{code(spec.name)}]({spec.name}.md)", code(spec.connector) if spec.connector else "", spec.summary)
        for spec in own_nodes(registry)
    )
    return _INDEX + table(("node type", "connection", "what it does"), rows)


def node_page(spec: NodeType, registry: Registry, words: str = "") -> str:
    """Write the page of a node type; `words` stand behind what the spec says, under its own title."""
    connector = registry.connector(spec.connector) if spec.connector else None
    parts = [
        f"# {spec.name}\n\n{spec.summary}\n",
        "".join(f"- {name}: {said}\n" for name, said in _facts(spec, connector)),
        "## Parameters\n\n" + (params_table(_params(spec)) or "None.\n"),
        f"## Result\n\n{_result(spec)}",
        words.partition("\n")[2].strip() + "\n" if words else "",
    ]
    return "\n".join(part for part in parts if part)


def params_table(params: tuple[Param, ...]) -> str:
    """Write a table of parameters or settings."""
    return table(("name", "type", "default", "what it is"), (_param(param) for param in params))


def policy_text(policy: Policy) -> tuple[str, str]:
    """Write the time-out and the retries of a policy in which both are set."""
    assert policy.timeout is not None, "it lies over the default"
    assert isinstance(policy.retry, Retry), "it lies over the default"
    retry = policy.retry
    waits = f"full jitter up to {show_duration(retry.base)} at first, {show_duration(retry.cap)} at most"
    return show_duration(policy.timeout), f"{retry.attempts} attempts, {waits}"


def _facts(spec: NodeType, connector: ConnectorSpec | None) -> Iterator[tuple[str, str]]:
    yield "version", code(f"@{spec.version}")
    if connector is not None:
        need = "" if spec.connection_required else ", or none"
        yield "connection", f"a connection of [{code(connector.name)}](../connections.md#{connector.name}){need}"
    effect = spec.effect if isinstance(spec.effect, Effect) else spec.effect(_NOTHING)
    depends = "" if isinstance(spec.effect, Effect) else ", unless its parameters say otherwise"
    yield "effect", _EFFECTS[effect] + depends
    handles = _handles(spec)
    if handles:
        yield "handles", handles
    if spec.region is not None and spec.region.binds is not None:
        yield "body", f"it owns one; {spec.region.binds.doc} stands before it"
    if effect is not Effect.PURE:
        base = connector.policy if connector is not None else Policy()
        timeout, retry = policy_text(base.over(spec.policy).over(DEFAULT_POLICY))
        yield "time-out", timeout
        yield "retry", retry
    yield "queue", code(spec.queue)
    if spec.requires:
        yield "extra", code(f"saltern-runtime[{','.join(spec.requires)}]")


def _handles(spec: NodeType) -> str:
    if not callable(spec.handles):
        return ", ".join(map(code, spec.handles))
    return "one for each of its cases, and `else`" if spec.name == "switch" else "as its parameters say"


def _params(spec: NodeType) -> tuple[Param, ...]:
    carries = spec.region.carries if spec.region is not None else None
    return (*spec.params, *((carries.condition,) if carries is not None else ()))


def _param(param: Param) -> tuple[str, str, str, str]:
    kind = "a type" if param.is_type else code(show(param.type))
    notes = [
        *(["Written out: known when the pipeline is compiled."] if param.static else []),
        *(["A secret."] if param.secret else []),
        *([_hidden(param.secrets)] if param.secrets is not None else []),
    ]
    default = "required" if param.required else _default(param.default)
    return code(param.name), kind, default, " ".join([param.doc, *notes]).strip()


def _hidden(names: tuple[str, ...]) -> str:
    must = f"; {', '.join(map(code, names))} must be one" if names else ""
    return f"What stands in it may be a secret{must}."


def _default(value: Json) -> str:
    return "" if value is None else code(json.dumps(value, ensure_ascii=False))


def _result(spec: NodeType) -> str:
    fixed: Type | None = None if callable(spec.result) else spec.result
    of = fixed if fixed is not None else spec.result(_NOTHING)  # type: ignore[operator]  # a result is a type or a function that makes one
    if fixed is None and of == ANY:
        return "Its type follows from the parameters.\n"
    fields = _fields(of) or f"{code(show(of))}\n"
    return (
        fields
        if fixed is not None
        else f"Its type follows from the parameters; where nothing else is said:\n\n{fields}"
    )


def _fields(of: Type) -> str:
    if not isinstance(of, ObjectType):
        return ""
    return table(("field", "type"), ((code(field.name), code(show(field.type))) for field in of.fields))
