"""The canonical form of a pipeline: what it means and nothing else, as RFC 8785 JSON, and its digest.

Layout, labels, descriptions and places are left out, and so is whatever has its default, so that new properties leave old
digests alone. Values are tagged where JSON could not tell them apart: `{"double": 1}` is no int.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from saltern_compiler.expr.show import show as show_expr
from saltern_compiler.ir.pipeline import Connection, Node, Pipeline, Region, Trigger
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    SecretRef,
    Template,
    TypeValue,
    Value,
)
from saltern_runtime.spec import Json, Policy, Retry, show

FORMAT: Final = 1
"""Raised whenever the same pipeline gets another canonical form."""
_EXACT: Final = 2**53
"""Integers up to here are JSON numbers in RFC 8785; larger ones are written as text."""


def canonical(pipeline: Pipeline) -> bytes:
    """Return the canonical JSON of a pipeline: equal bytes for equal meaning."""
    return _written(_pipeline(pipeline))


def digest(pipeline: Pipeline) -> str:
    """Return `sha256:…` of the canonical form."""
    return "sha256:" + _hash(canonical(pipeline))


def schedule_id(trigger: Trigger) -> str:
    """Return the id of a schedule: the one that it was given, else one made of its time and input."""
    name = trigger.setting("id")
    if isinstance(name, Literal) and isinstance(name.value, str):
        return name.value
    said = {key: _value(value) for key, value in trigger.settings if key in ("cron", "time_zone", "input")}
    return "s" + _hash(_written({"time_zone": "UTC", "input": {"object": {}}, **said}))[:12]


def _written(of: Json) -> bytes:
    import rfc8785  # noqa: PLC0415 - a check of a pipeline without schedules writes nothing

    return rfc8785.dumps(of)


def _hash(data: bytes) -> str:
    import hashlib  # noqa: PLC0415 - as little does it hash, and OpenSSL takes a while to load

    return hashlib.sha256(data).hexdigest()


def node_form(node: Node) -> dict[str, Json]:
    """Return what a node means, as its part of the canonical form."""
    return _node(node)


def connection_form(connection: Connection) -> dict[str, Json]:
    """Return what a connection means, as its part of the canonical form; its name stands outside."""
    return _connection(connection)


def trigger_form(trigger: Trigger) -> dict[str, Json]:
    """Return what a trigger means, as its part of the canonical form."""
    return _trigger(trigger)


def policy_form(policy: Policy) -> dict[str, Json]:
    """Return what a policy says, by its fields."""
    return _policy(policy)


def _pipeline(pipeline: Pipeline) -> Json:
    return _without_defaults(
        format=FORMAT,
        name=pipeline.name,
        input=show(pipeline.input),
        output=None if pipeline.output is None else show(pipeline.output),
        uses={use.name: use.path for use in pipeline.uses},
        secrets={secret.name: secret.reference for secret in pipeline.secrets},
        connections={connection.name: _connection(connection) for connection in pipeline.connections},
        triggers=_sorted(_trigger(trigger) for trigger in pipeline.triggers),
        settings={name: _literal(value) for name, value in pipeline.settings},
        budget={name: _literal(value) for name, value in pipeline.budget},
        policy=_policy(pipeline.policy),
        nodes=_region(pipeline.body)["nodes"],
    )


def _without_defaults(**members: Json) -> dict[str, Json]:
    """Leave out what says nothing: null, false, and what is empty."""
    return {key: value for key, value in members.items() if value not in (None, False, "", {}, [])}


def _sorted(parts: Json) -> list[Json]:
    return sorted(parts, key=_written)


def _connection(connection: Connection) -> dict[str, Json]:
    settings = {name: _value(value) for name, value in connection.settings}
    return {
        "connector": connection.connector,
        **_without_defaults(settings=settings, policy=_policy(connection.policy)),
    }


def _trigger(trigger: Trigger) -> dict[str, Json]:
    return {
        "type": trigger.type,
        **_without_defaults(settings={name: _value(value) for name, value in trigger.settings}),
    }


def _region(region: Region) -> dict[str, Json]:
    nodes = sorted((_node(node) for node in region.nodes), key=lambda document: str(document["id"]))
    return {"nodes": nodes, **_without_defaults(variables=list(region.variables))}


def _node(node: Node) -> dict[str, Json]:
    return {
        "id": node.id,
        "type": f"{node.type}@{node.version}",
        **_without_defaults(
            params={name: _value(value) for name, value in node.params},
            connection=node.connection,
            mapping=dict(node.mapping),
            control=sorted({(edge.source, edge.handle) for edge in node.control}),
            join="any" if node.join == "any" else None,
            after=sorted(set(node.after)),
            policy=_policy(node.policy),
            disabled=node.disabled,
            body=None if node.body is None else _region(node.body),
        ),
    }


def _policy(policy: Policy) -> dict[str, Json]:
    given = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return {
        name: _retry(value) if isinstance(value, Retry) else _number(value)
        for name, value in given.items()
        if value is not None
    }


def _retry(retry: Retry) -> Json:
    return {"attempts": _number(retry.attempts), "base": retry.base, "cap": retry.cap}


def _number(value: Json) -> Json:
    """Write an integer that RFC 8785 has no number for as tagged text: it is out of bounds, but the check says so, not we."""
    return {"int": str(value)} if isinstance(value, int) and abs(value) >= _EXACT else value


def _value(value: Value) -> Json:
    match value:
        case Literal(value=literal):
            return _literal(literal)
        case Expression(expr=expr):
            return {"expr": show_expr(expr)}
        case Template(parts=parts):
            return {"template": [part if isinstance(part, str) else {"expr": show_expr(part.expr)} for part in parts]}
        case TypeValue(type=of):
            return {"type": show(of)}
        case SecretRef(name=name):
            return {"secret": name}
        case ListValue(items=items):
            return {"list": [_value(item) for item in items]}
        case ObjectValue(fields=members):
            return {"object": {name: _value(member) for name, member in members}}


def _literal(value: Json) -> Json:
    match value:
        case bool() | None | str():
            return value
        case int():
            return _number(value)
        case float():
            return {"double": value}
        case list():
            return {"list": [_literal(item) for item in value]}
        case dict():
            return {"object": {name: _literal(member) for name, member in value.items()}}
    raise TypeError(f"not a JSON value: {type(value).__name__}")
