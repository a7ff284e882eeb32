"""The sections of a pipeline: its name, types, settings, secrets, connections and triggers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Final, TypeAlias, TypeGuard

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, nearest, replace_by
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, ListExpr, MapExpr, Span
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.frontend.language import syntax as syn
from saltern_compiler.frontend.language.budget import read_budget
from saltern_compiler.frontend.language.concurrency import read_concurrency
from saltern_compiler.frontend.language.policy import decorations
from saltern_compiler.frontend.language.types import place
from saltern_compiler.frontend.language.values import Names, Values
from saltern_compiler.ir.budget import Budget
from saltern_compiler.ir.concurrency import CONCURRENCY
from saltern_compiler.ir.pipeline import (
    BODY,
    LABEL_SETTINGS,
    LENGTHS,
    LIMITS,
    SETTINGS,
    SIGNATURE,
    Connection,
    Pipeline,
    Region,
    Secret,
    Trigger,
    Use,
    trigger_key,
)
from saltern_compiler.ir.values import Literal, Value, make_object
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, ObjectType, Policy, obj

_SETTINGS: Final = (*SETTINGS, CONCURRENCY)
_MAIN: Final = {"schedule": "cron"}
"""Trigger type → the setting whose text stands right behind it, where that is no path."""
_WORDS: Final = frozenset({SIGNATURE, BODY, "catch_up", "overlap"})
"""Settings of triggers that take a word without quotes."""
_Once: TypeAlias = syn.PipelineLine | syn.DescriptionLine | syn.SettingsSection | syn.BudgetSection | syn.TypeSection
_UNNAMED: Final = "pipeline"


@dataclass(slots=True)
class Secrets:
    """Secrets by name; an inline `env("X")` takes the name of a secret with the same reference, else one made of `X`."""

    declared: list[Secret] = field(default_factory=list)
    derived: dict[str, Secret] = field(default_factory=dict)

    def inline(self, variable: str, span: Span) -> str:
        """Return the name of the secret that stands in an environment variable."""
        reference = f"env:{variable}"
        for secret in (*self.declared, *self.derived.values()):
            if secret.reference == reference:
                return secret.name
        base = re.sub(r"[^a-z0-9_]+", "_", variable.lower()) or "secret"
        taken = {secret.name for secret in self.declared} | self.derived.keys()
        name = next(name for name in _numbered(base) if name not in taken)
        self.derived[name] = Secret(name, reference, place(span))
        return name

    def all(self) -> tuple[Secret, ...]:
        """Return all of them by name."""
        return tuple(sorted((*self.declared, *self.derived.values()), key=lambda secret: secret.name))


@dataclass(slots=True)
class Sections:
    """Collects the sections of one source."""

    values: Values
    secrets: Secrets
    report: Callable[[Diagnostic], None]
    uses: list[Use] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    settings: dict[str, Json] = field(default_factory=dict)
    budget: Budget = ()
    origins: dict[str, Origin] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    policy: Policy = Policy()
    input: ObjectType | None = None
    output: ObjectType | None = None

    def add(self, section: syn.Section) -> None:
        """Add a section."""
        match section:
            case syn.UseLine():
                self.uses.append(Use(section.name.text, section.path, place(section.span)))
            case syn.SecretLine():
                self._add_secret(section)
            case syn.ConnectionLine():
                self._add_connection(section)
            case syn.TriggerLine():
                self._add_trigger(section)
            case _:
                self._add_once(section)

    def _add_once(self, section: _Once) -> None:
        if not self._is_first(section):
            return
        match section:
            case syn.PipelineLine():
                self.name = section.name.text
                if not self.name:
                    notes = ("It names the package that is generated.",)
                    message = "the name of the pipeline is empty"
                    self.report(Diagnostic("unnamed-pipeline", message, place(section.name.span), notes=notes))
                self.policy = decorations(section.decorators, self.report, of_node=False).policy
            case syn.DescriptionLine():
                self.description = self._text(section.text)
            case syn.SettingsSection():
                self._add_settings(section.params)
            case syn.BudgetSection():
                limits = read_budget(self.entries(section.params), self.values, self.report)
                self.budget = limits.budget
                self.origins |= limits.origins
            case syn.TypeSection(kind="input"):
                self.input = section.type
            case syn.TypeSection():
                self.output = section.type

    def pipeline(self, body: Region, end: int) -> Pipeline:
        """Make the pipeline around its graph; `end` is where the source ends."""
        if "name" not in self.origins:
            fix = Fix("Name it", (Edit(place((0, 0)), "pipeline my_pipeline\n\n"),))
            notes = ("The first line of a pipeline is its name: `pipeline support_triage`.",)
            self.report(
                Diagnostic("unnamed-pipeline", "the pipeline has no name", place((0, 0)), notes=notes, fixes=(fix,))
            )
        return Pipeline(
            self.name or _UNNAMED,
            input=self.input or obj({}),
            output=self.output,
            uses=tuple(sorted(self.uses, key=lambda use: use.name)),
            secrets=self.secrets.all(),
            connections=tuple(sorted(self.connections, key=lambda connection: connection.name)),
            triggers=tuple(sorted(self.triggers, key=trigger_key)),
            settings=tuple(sorted(self.settings.items())),
            budget=self.budget,
            policy=self.policy,
            body=body,
            description=self.description,
            origin=place((0, end)),
            origins=tuple(self.origins.items()),
        )

    def entries(self, params: syn.Params) -> Iterator[tuple[str, syn.Entry]]:
        """Yield name and entry of each parameter; what has no name is reported."""
        for entry in params.entries:
            if isinstance(entry.key, Const) and isinstance(entry.key.value, str) and not entry.optional:
                yield entry.key.value, entry
                continue
            notes = ("Parameters are written `name: value`.",)
            message = "a parameter has no plain name"
            self.report(Diagnostic("syntax-error", message, place(entry.key.span), notes=notes))

    def _is_first(self, section: _Once) -> bool:
        span = section.name.span if isinstance(section, syn.PipelineLine) else section.span
        part, keyword = _part(section)
        if part not in self.origins:
            self.origins[part] = place(span)
            return True
        self.report(Diagnostic("repeated-section", f"`{keyword}` stands here a second time", place(span)))
        return False

    def _text(self, of: Expr) -> str:
        value = self.values.value(of)
        if isinstance(value, Literal) and isinstance(value.value, str):
            return value.value
        message = "the description is not a plain text"
        self.report(Diagnostic("syntax-error", message, place(of.span), notes=("It takes no `{{ … }}`.",)))
        return ""

    def _add_settings(self, params: syn.Params) -> None:
        for name, entry in self.entries(params):
            if name not in _SETTINGS:
                self._unknown_setting(name, entry.key.span)
                continue
            value = entry.value
            if name == CONCURRENCY:
                said, places = read_concurrency(value, self.report)
                self.settings |= {} if said is None else {name: said}
                self.origins |= {CONCURRENCY: place(value.span), **places}
                continue
            length = seconds(value.name) if isinstance(value, syn.Embedded) and value.kind == "duration" else None
            if length is None:
                notes = (f"Write `{name}: 1h`.",)
                self.report(
                    Diagnostic("ill-typed-setting", f"`{name}` is not a duration", place(value.span), notes=notes)
                )
                continue
            self.settings[name] = length

    def _unknown_setting(self, name: str, span: Span) -> None:
        near = nearest(name, _SETTINGS)
        notes = (*did_you_mean(near), it_takes(_SETTINGS))
        message = f"the pipeline has no setting `{name}`"
        fixes = replace_by(near, place(span))
        self.report(Diagnostic("unknown-setting", message, place(span), notes=notes, fixes=fixes))

    def _add_secret(self, section: syn.SecretLine) -> None:
        name = section.name.text
        match section.source:
            case Call(function="env", target=None, args=(Const(value=str() as variable),)):
                self.secrets.declared.append(Secret(name, f"env:{variable}", place(section.span)))
            case Const(value=str() as value):
                self.secrets.declared.append(Secret(name, value, place(section.source.span)))
            case source:
                notes = ('A secret is a reference: `env("NAME")`.',)
                message = f"`{name}` has no source that is known"
                self.secrets.declared.append(Secret(name, "env:" + name.upper(), place(section.span)))
                self.report(Diagnostic("unknown-secret-source", message, place(source.span), notes=notes))

    def _add_connection(self, section: syn.ConnectionLine) -> None:
        policy = decorations(section.decorators, self.report, of_node=False).policy
        entries = dict(self.entries(section.settings))
        settings = {
            name: self.values.value(_worded(name, entry.value), Names.SECRETS) for name, entry in entries.items()
        }
        self.connections.append(
            Connection(
                section.name.text,
                section.connector.text,
                tuple(sorted(settings.items())),
                policy,
                place(section.span),
                tuple((name, place(entry.key.span)) for name, entry in entries.items()),
            )
        )

    def _add_trigger(self, section: syn.TriggerLine) -> None:
        settings: dict[str, Value] = {}
        main = _MAIN.get(section.type.text, "path") if section.path is not None else ""
        if section.path is not None:
            settings[main] = self.values.value(section.path)
        for name, entry in self.entries(section.settings) if section.settings else ():
            if name == main:
                self.report(Diagnostic("duplicate-key", f"the key `{name}` stands here twice", place(entry.key.span)))
                continue
            settings[name] = self._trigger_setting(name, entry.value)
        self.triggers.append(Trigger(section.type.text, tuple(sorted(settings.items())), place(section.span)))

    def _trigger_setting(self, name: str, value: Expr) -> Value:
        if name == SIGNATURE and isinstance(value, syn.Embedded) and value.settings is not None:
            settings = self.values.value(_in_words(value.settings), Names.SECRETS)
            return make_object({value.name: settings}, place(value.span))
        if name in _WORDS and _is_word(value):
            return Literal(value.name, place(value.span))
        if name in LENGTHS and isinstance(value, syn.Embedded) and value.kind == "duration":
            length = seconds(value.name)
            if length is not None:
                return Literal(length, place(value.span))
        return self.values.value(value, Names.SECRETS)


def _worded(name: str, value: Expr) -> Expr:
    """Take the word behind `by` in limits, and labels, as their texts: a bare name in a connection is a secret otherwise."""
    if name in LABEL_SETTINGS:
        items = value.items if isinstance(value, ListExpr) else (value,)
        texts = tuple(Const(part.name, span=part.span) if _is_word(part) else part for part in items)
        return replace(value, items=texts) if isinstance(value, ListExpr) else texts[0]
    return _in_words(value, "by") if name == LIMITS and isinstance(value, MapExpr) else value


def _in_words(settings: MapExpr, *only: str) -> MapExpr:
    """Take words for their texts, all or those behind some keys."""
    entries = (
        (
            key,
            Const(part.name, span=part.span)
            if _is_word(part) and (not only or (isinstance(key, Const) and key.value in only))
            else part,
        )
        for key, part in settings.entries
    )
    return replace(settings, entries=tuple(entries))


def _is_word(part: Expr) -> TypeGuard[Ident]:
    return isinstance(part, Ident) and not isinstance(part, syn.Embedded)


def _part(section: _Once) -> tuple[str, str]:
    """Return what the section is called among the places of a pipeline, and in the language."""
    match section:
        case syn.PipelineLine():
            return "name", "pipeline"
        case syn.DescriptionLine():
            return "description", "description"
        case syn.SettingsSection():
            return "settings", "settings"
        case syn.BudgetSection():
            return "budget", "budget"
        case syn.TypeSection(kind=kind):
            return kind, kind


def _numbered(base: str) -> Iterator[str]:
    yield base
    for number in range(2, 1_000_000):
        yield f"{base}_{number}"
