"""Secrets: references only, and only where connections and triggers take them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from saltern_compiler.diagnostics.lookalikes import kinds
from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import Literal, SecretRef, Template, Value, parts_of
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.checks.triggers import TRIGGERS
from saltern_compiler.passes.settings import connection_settings
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, Param

_ENV: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Secrets(Check):
    """`literal-secret`, `invalid-secret-reference`, `unknown-secret`, `misplaced-secret`, `looks-like-secret`."""

    name: str = "secrets"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report secrets that are values, that lead nowhere, or that would leak. No message repeats what might be one."""
        for secret in pipeline.secrets:
            _check_reference(secret.name, secret.reference, context, secret.origin)
        names = {secret.name for secret in pipeline.secrets}
        for name, value, param in _settings(pipeline, context):
            for part in parts_of(value):
                if isinstance(part, SecretRef):
                    if part.name not in names and (param is None or param.secret or param.secrets is not None):
                        _report_unknown(part, names, context)
                elif param is None or not param.secret:
                    _check_text(part, name, context)
        for node in context.each(self.name, pipeline.body.walk()):
            for name, value in node.params:
                for inner in parts_of(value):
                    _check_part(node.id, name, inner, context)


def _settings(pipeline: Pipeline, context: Context) -> Iterator[tuple[str, Value, Param | None]]:
    """Yield what is set on connections and triggers, and what is known of it; the check of settings tells what is wrong elsewhere."""
    for connection in pipeline.connections:
        spec = context.registry.connector(connection.connector)
        known = {param.name: param for param in connection_settings(spec)} if spec is not None else {}
        yield from ((name, value, known.get(name)) for name, value in connection.settings)
    for trigger in pipeline.triggers:
        known = {param.name: param for param in TRIGGERS.get(trigger.type, ())}
        yield from ((name, value, known.get(name)) for name, value in trigger.settings)


_ADVICE: Final = (
    "What stands in a pipeline is read by everyone who reads the pipeline, and by its history.",
    "Put the value into an environment variable and write `env:NAME`; then replace the value wherever it was used.",
)


def _what(text: str) -> str:
    return f"what looks like {' and '.join(kinds(text, in_place=True))}"


def _report_unknown(value: SecretRef, names: set[str], context: Context) -> None:
    if kinds(value.name, in_place=True):
        message = f"a secret is named {_what(value.name)}, so its value may stand here"
        context.report(Diagnostic("literal-secret", message, value.origin, notes=_ADVICE))
        return
    near = context.nearest(value.name, names)
    notes = did_you_mean(near) or (f'Declare it: `secret {value.name} = env("NAME")`.',)
    context.report(Diagnostic("unknown-secret", f"unknown secret `{value.name}`", value.origin, notes=notes))


def _check_reference(name: str, reference: str, context: Context, origin: Origin) -> None:
    variable = reference.removeprefix("env:")
    if variable != reference and kinds(variable, in_place=True):
        message = f"an environment variable is named {_what(variable)}, so its value may stand here"
        context.report(Diagnostic("literal-secret", message, origin, notes=_ADVICE))
        return
    if _ENV.fullmatch(reference):
        return
    if variable == reference:
        looks = kinds(reference, in_place=True)
        message = f"the secret `{name}` is {_what(reference) if looks else 'no reference'}, so its value may stand here"
        context.report(Diagnostic("literal-secret", message, origin, notes=_ADVICE))
        return
    rule = "After `env:` stands the name of an environment variable: letters, digits and `_`, no digit first."
    message = f"the secret `{name}` names no environment variable"
    context.report(Diagnostic("invalid-secret-reference", message, origin, notes=(rule,)))


def _check_part(node_id: str, name: str, value: Value, context: Context) -> None:
    if isinstance(value, SecretRef):
        notes = (
            "The value of a parameter is kept in the store, shown in the run's timeline and sent as it is.",
            "Secrets go into connections and triggers alone: name the secret there, and the connection here.",
        )
        message = f"`{name}` of `{node_id}` is no place for a secret"
        context.report(Diagnostic("misplaced-secret", message, value.origin, notes=notes), node_id)
        return
    _check_text(value, name, context)


def _check_text(value: Value, name: str, context: Context) -> None:
    texts: Iterable[str] = ()
    if isinstance(value, Literal):
        texts = _texts(value.value)
    elif isinstance(value, Template):
        texts = (part for part in value.parts if isinstance(part, str))
    found = sorted({kind for text in texts for kind in kinds(text)})
    if found:
        notes = ("What stands in a pipeline is read by everyone who reads the pipeline, and by its history.",)
        message = f"`{name}` holds what looks like {' and '.join(found)}"
        context.report(Diagnostic("looks-like-secret", message, value.origin, notes=notes))


def _texts(value: Json) -> Iterator[str]:
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, dict):
            todo.extend(part.values())
