"""The settings of connections and triggers against the lists of what may be set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeGuard

from saltern_compiler.diagnostics.lookalikes import kinds
from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, join
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.ir.pipeline import ACCEPTS, GIVES, LENGTHS, LIMITS, Pipeline
from saltern_compiler.ir.values import ListValue, Literal, ObjectValue, SecretRef, Value, map_secrets
from saltern_compiler.passes.base import Context
from saltern_compiler.passes.values import misfits
from saltern_compiler.passes.words import takes_text, unquoted
from saltern_runtime.spec import (
    ANY,
    DOUBLE,
    INT,
    ConnectorSpec,
    Field,
    ListType,
    LiteralType,
    ObjectType,
    Param,
    Type,
    show,
    union,
)
from saltern_runtime.spec.types import LABELS

LIMITS_TYPE: Final = ObjectType(
    (
        Field("by", LiteralType("tenant"), required=False),
        Field("concurrency", INT, required=False),
        Field("per_second", DOUBLE, required=False),
    )
)
LIMITS_PARAM: Final = Param(
    LIMITS,
    LIMITS_TYPE,
    required=False,
    doc="How many attempts may begin in a second, and run at a time; `by: tenant` counts each tenant's own.",
)
_LABELS: Final = ListType(union(*map(LiteralType, LABELS)))
SHARED_PARAMS: Final = (
    LIMITS_PARAM,
    Param(ACCEPTS, _LABELS, required=False, doc="Labels of what may be sent through it: `accepts: [personal]`."),
    Param(GIVES, _LABELS, required=False, doc="Labels of all that comes from it: `gives: [personal]`."),
)
"""What every connection may have beside the settings of its connector."""


def connection_settings(spec: ConnectorSpec) -> tuple[Param, ...]:
    """Return what may be set on a connection of a connector."""
    return (*spec.settings, *SHARED_PARAMS)


def check_exclusive(owner: str, given: Sequence[tuple[str, Value]], exclusive: Sequence[str], context: Context) -> None:
    """Report each setting that stands beside another one, of which there may be one at most."""
    first, *others = [name for name, _ in given if name in exclusive] or [""]
    for name, value in given:
        if name in others:
            notes = (f"It takes {join(exclusive, 'or')}.",)
            message = f"`{name}` of {owner}: `{first}` is there too"
            context.report(Diagnostic("ill-typed-setting", message, value.origin, notes=notes))


_NOTHING: Final[Mapping[str, str]] = {}


def check_settings(
    owner: str,
    given: Sequence[tuple[str, Value]],
    known: Sequence[Param],
    place: Origin,
    context: Context,
    *,
    pipeline: Pipeline,
    renamed: Mapping[str, str] = _NOTHING,
) -> None:
    """Report unknown, missing and ill-typed settings, and secrets that are no references; `owner` is as messages name it.

    `renamed`: old name → the one that a setting has now.
    """
    params = {param.name: param for param in known}
    for name, value in given:
        if name not in params:
            notes: tuple[str, ...] = (*did_you_mean(context.nearest(name, params)), it_takes(params))
            if name in renamed:
                notes = (f"It is `{renamed[name]}` now: `saltern upgrade` writes that.",)
            message = f"{owner} has no setting `{name}`"
            context.report(Diagnostic("unknown-setting", message, value.origin.name(), notes=notes))
            continue
        param = params[name]
        may_be_secret = param.secret or param.secrets is not None
        words = [] if may_be_secret else list(_words(value, param.type, pipeline))
        for word, to in words:
            context.report(unquoted(word.name, to, f"`{name}` of {owner}", word.origin, context))
        for diagnostic in () if words else _judge(owner, param, value):
            context.report(diagnostic)
    names = {renamed.get(name, name) for name, _ in given}
    for param in known:
        if param.required and param.name not in names:
            kind = "a secret" if param.secret else show(param.type)
            notes = (f"It takes {kind}.", *((param.doc,) if param.doc else ()))
            context.report(
                Diagnostic("missing-setting", f"{owner} lacks the setting `{param.name}`", place, notes=notes)
            )


def _words(value: Value, to: Type, pipeline: Pipeline) -> Iterator[tuple[SecretRef, Type]]:
    """Yield the words where texts belong."""
    if isinstance(value, ObjectValue):
        for name, member in value.fields:
            field = to.field(name) if isinstance(to, ObjectType) else None
            yield from _words(member, field.type if field is not None else ANY, pipeline)
    elif isinstance(value, ListValue):
        for item in value.items:
            yield from _words(item, to.item if isinstance(to, ListType) else ANY, pipeline)
    elif _is_word(value, pipeline) and takes_text(to):
        yield value, to


def _is_word(value: Value, pipeline: Pipeline) -> TypeGuard[SecretRef]:
    """Whether a value reads as the name of a secret that is not there; in a document nothing is but what was meant so."""
    return isinstance(value, SecretRef) and value.origin.pointer is None and pipeline.secret(value.name) is None


def _judge(owner: str, param: Param, value: Value) -> list[Diagnostic]:
    where = value.origin
    if isinstance(value, SecretRef):
        if param.secret:
            return []
        notes: tuple[str, ...] = ("Only settings that hold secrets are kept out of the generated code.",)
        return [
            Diagnostic("misplaced-secret", f"`{param.name}` of {owner} is no place for a secret", where, notes=notes)
        ]
    if param.secret:
        return [_literal_secret(param.name, owner, value)]
    if param.secrets is not None and isinstance(value, ObjectValue | Literal):
        found = [_literal_secret(f"{param.name}.{name}", owner, part) for name, part in _written_secrets(param, value)]
        if found:
            return found
        value = map_secrets(value, lambda reference: Literal("", reference.origin))
    if not isinstance(value, Literal):
        notes = ("A setting is the same for every run; values of a run go into parameters of nodes.",)
        message = f"`{param.name}` of {owner} must be written out"
        return [Diagnostic("not-a-literal", message, at, notes=notes) for at in _computed(value)]
    if param.name in LENGTHS and isinstance(value.value, str):
        message = f"`{param.name}` of {owner} is not a duration"
        fixes = (
            (Fix(f"Write `{value.value}`", (Edit(where, value.value),)),) if seconds(value.value) is not None else ()
        )
        notes = (f"It takes a length of time: `{param.name}: 10s`.",)
        return [Diagnostic("ill-typed-setting", message, where, notes=notes, fixes=fixes)]
    return [
        Diagnostic(
            "ill-typed-setting",
            f"`{param.name}` of {owner}: {misfit.message}",
            value.place(*misfit.path),
            notes=(f"It takes {show(param.type)}.",),
        )
        for misfit in misfits(value.value, param.type)
    ]


def _literal_secret(name: str, owner: str, value: Value) -> Diagnostic:
    notes = (
        "What stands in a pipeline is read by everyone who reads the pipeline, and by its history.",
        f'Declare `secret {name.rpartition(".")[2]} = env("NAME")` and name it here; then replace the value wherever it was used.',
    )
    text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""
    found = kinds(text, in_place=True)
    what = f"what looks like {' and '.join(found)}" if found else "its value"
    message = f"`{name}` of {owner} is a secret, but {what} stands here"
    return Diagnostic("literal-secret", message, value.origin, notes=notes)


def _written_secrets(param: Param, value: ObjectValue | Literal) -> list[tuple[str, Value]]:
    """Return the members of a setting that are to be references to secrets, and are none."""
    if isinstance(value, ObjectValue):
        members = list(value.fields)
    else:
        names = value.value if isinstance(value.value, dict) else ()
        members = [(name, replace(Literal(None), origin=value.place(name))) for name in names]
    return [(name, part) for name, part in members if name in (param.secrets or ()) and not isinstance(part, SecretRef)]


def _computed(value: Value) -> list[Origin]:
    """Return where what is no literal stands in a value."""
    if isinstance(value, ObjectValue):
        return [place for _, member in value.fields for place in _computed(member)]
    return [] if isinstance(value, Literal) else [value.origin]
