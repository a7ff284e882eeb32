"""Writes what stands before the statements of a pipeline: name, types, settings, secrets, connections, triggers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TypeGuard

from saltern_compiler.expr.ast import Ident
from saltern_compiler.expr.literals import show_string
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.frontend.language.print_values import IDENTIFIER, ValueWriter, is_word, key, template
from saltern_compiler.frontend.remarks import BEFORE, BESIDE, INSIDE, START, Orders, Remarks, in_order
from saltern_compiler.ir.budget import TIME, is_wait
from saltern_compiler.ir.concurrency import KEY, MEMBERS, THEN
from saltern_compiler.ir.pipeline import (
    BODY,
    LABEL_SETTINGS,
    LENGTHS,
    LIMITS,
    SIGNATURE,
    WITH_SETTINGS,
    Connection,
    Pipeline,
    Trigger,
)
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Value
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, ObjectType, Policy, Retry
from saltern_runtime.spec.concurrency import path_of

MANY = 3
"""More entries than these stand on lines of their own."""


PATHS = {"schedule": "cron"}
"""The setting of a trigger that stands behind its name; `path` for all others."""
WORDS = frozenset({SIGNATURE, BODY, "catch_up", "overlap"})
"""Settings of triggers whose values are words."""


@dataclass(slots=True)
class SectionWriter:
    """Collects the lines of a text; what writes statements stands on it."""

    pipeline: Pipeline
    remarks: Remarks
    orders: Orders
    registry: Registry
    lines: list[str] = field(default_factory=list)

    # sections

    def sections(self) -> None:
        """Write all sections that say something."""
        of = self.pipeline
        name = of.name if IDENTIFIER.fullmatch(of.name) else show_string(of.name)
        self._section(START, [*policy_lines(of.policy), f"pipeline {name}"])
        if of.description:
            text = template([of.description]) if "\n" in of.description else show_string(of.description)
            self._section("description", [f"description {text}"], gap=True)
        if of.input.fields or of.input.open or self._has_remarks("input"):
            self._section("input", self._types("input", of.input), gap=True)
        if of.output is not None:
            self._section("output", self._types("output", of.output))
        if of.settings:
            settings = {setting: self._setting(value) for setting, value in of.settings}
            self._section("settings", self._braces("settings", "settings", settings), gap=True)
        if of.budget:
            values = self._values(secrets=True)
            limits = {name: _limit(name, value, values) for name, value in of.budget}
            self._section("budget", self._braces("budget", "budget", limits), gap=not of.settings)
        for number, use in enumerate(of.uses):
            self._section(f"use {use.name}", [f"use {use.name} = {show_string(use.path)}"], gap=number == 0)
        for number, secret in enumerate(of.secrets):
            self._section(
                f"secret {secret.name}", [f"secret {secret.name} = {_source(secret.reference)}"], gap=number == 0
            )
        for number, connection in enumerate(of.connections):
            self._connection(connection, gap=number == 0 and not of.secrets)
        for number, trigger in enumerate(of.triggers):
            self._trigger(number, trigger)
        self.lines.append("")

    def _setting(self, value: Json) -> str:
        """Write a length of time, or how many runs go on at a time: fields of the input and words as what they are."""
        if not isinstance(value, dict):
            return show_duration(value)
        values = self._values()
        names = in_order([name for name in MEMBERS if name in value], self.orders)
        return (
            f"{{ {', '.join(f'{name}: {_limited(name, value[name], values)}' for name in names)} }}" if names else "{}"
        )

    def _has_remarks(self, anchor: str) -> bool:
        """Tell whether a section without entries has a remark that can stand there; one about an entry has lost its place."""
        places = [self.remarks.lines(anchor, "", where) for where in (BEFORE, BESIDE, INSIDE)]
        return any(places)

    def _section(self, anchor: str, lines: Sequence[str], *, gap: bool = False) -> None:
        self.lines += [""] if gap else []
        self.lines += self.remarks.lines(anchor)
        self.lines += [*lines[:-1], lines[-1] + self.remarks.beside(anchor)]

    def _types(self, word: str, of: ObjectType) -> list[str]:
        values = self._values(secrets=True)
        names = in_order([field.name for field in of.fields], self.orders)
        fields = dict(zip(names, values.fields(of), strict=False))
        types = {name: text.removeprefix(key(name)) for name, text in fields.items()}
        entries = [self._entry(word, name, key(name) + text) for name, text in types.items()]
        return self._closed(word, word, [*entries, *([["..."]] if of.open else [])])

    def _connection(self, of: Connection, *, gap: bool) -> None:
        values = self._values(secrets=True)
        settings = {name: values.value(_worded(name, value)) for name, value in of.settings}
        anchor = f"connection {of.name}"
        head = f"connection {of.name} = {of.connector}"
        self._section(anchor, [*policy_lines(of.policy), *self._braces(anchor, head, settings)], gap=gap)

    def _trigger(self, number: int, of: Trigger) -> None:
        values = self._values(secrets=True)
        settings: dict[str, str] = {}
        head = f"on {of.type}"
        first = PATHS.get(of.type, "path")
        given = dict(of.settings)
        for name in in_order(list(given), self.orders):
            value = given[name]
            text = text_of(value)
            if name == first and text is not None:
                head += f" {show_string(text)}"
            elif name == SIGNATURE and isinstance(value, Literal) and _is_worded(value.value):
                [(word, details)] = value.value.items()
                settings[name] = values.signature(word, details)
            elif name in WORDS and is_word(text):
                settings[name] = text
            elif name in LENGTHS and isinstance(value, Literal) and isinstance(value.value, float) and value.value >= 0:
                settings[name] = show_duration(value.value)
            else:
                settings[name] = values.value(value)
        anchor = f"trigger {number}"
        self._section(anchor, self._written(anchor, head, settings, bare=True), gap=number == 0)

    def _values(self, *, secrets: bool = False) -> ValueWriter:
        def inline(name: str) -> str:
            secret = self.pipeline.secret(name)
            return name if secret is None else _source(secret.reference)

        return ValueWriter(self.orders, str if secrets else inline)

    # what stands in braces

    def _entry(self, anchor: str, name: str, text: str) -> list[str]:
        if not name:
            return [f"{text},"]
        return [*self.remarks.lines(anchor, name), f"{text}," + self.remarks.beside(anchor, name)]

    def _braces(self, anchor: str, head: str, params: dict[str, str]) -> list[str]:
        """Write `head { params }` in the order of the author."""
        return self._written(anchor, head, {name: params[name] for name in in_order(list(params), self.orders)})

    def _written(self, anchor: str, head: str, params: dict[str, str], *, bare: bool = False) -> list[str]:
        """Write `head { params }` in their order; a `bare` head needs no braces."""
        entries = [self._entry(anchor, name, f"{key(name)}: {text}") for name, text in params.items()]
        if bare and not entries and not self.remarks.lines(anchor, "", INSIDE):
            return [head]
        return self._closed(anchor, head, entries)

    def _closed(self, anchor: str, head: str, entries: Sequence[list[str]]) -> list[str]:
        inside = self.remarks.lines(anchor, "", INSIDE)
        if len(entries) > MANY or inside or any(len(entry) > 1 for entry in entries):
            return [head + " {", *(line for entry in entries for line in entry), *inside, "}"]
        flat = [line for entry in entries for line in entry]
        return ["\n".join([f"{head} {{ " + flat[0], *flat[1:], "}"])] if flat else [head + " {}"]


def _limit(name: str, value: Json, values: ValueWriter) -> str:
    """Write what a budget allows."""
    if isinstance(value, dict):
        parts = ", ".join(f"{key(of)}: {_limit(of, part, values)}" for of, part in value.items())
        return f"{{ {parts} }}" if parts else "{}"
    is_length = name == TIME or is_wait(name)
    return show_duration(value) if is_length and isinstance(value, float) and value >= 0 else values.literal(value)


def _limited(name: str, value: Json, values: ValueWriter) -> str:
    """Write a member of `concurrency`."""
    if name == KEY and isinstance(value, list):
        return f"[{', '.join(_limited(name, each, values) for each in value)}]"
    if name == KEY and not path_of(value):
        return show_string(value)
    return str(value) if name in (KEY, THEN) else values.literal(value)


def _worded(name: str, value: Value) -> Value:
    """Write whom limits count by, and labels, as words."""
    if name in LABEL_SETTINGS and isinstance(value, Literal) and isinstance(value.value, list):
        items = (Expression(Ident(part)) if is_word(part) else Literal(part) for part in value.value)
        return ListValue(tuple(items), value.origin)
    return _limits(value) if name == LIMITS else value


def _limits(limits: Value) -> Value:
    if not isinstance(limits, Literal) or not isinstance(limits.value, dict) or limits.value.get("by") != "tenant":
        return limits
    members: dict[str, Value] = {name: Literal(part) for name, part in limits.value.items()}
    return ObjectValue(tuple({**members, "by": Expression(Ident("tenant"))}.items()))


def _is_worded(value: Json) -> TypeGuard[dict[str, dict[str, Json]]]:
    """Tell whether a signature is a word with settings."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(word, details)] = value.items()
    return isinstance(details, dict) and word in WITH_SETTINGS


def text_of(value: Value) -> str | None:
    """Return the text that a value is, if it is one."""
    return value.value if isinstance(value, Literal) and isinstance(value.value, str) else None


def _source(reference: str) -> str:
    kind, _, name = reference.partition(":")
    return f"env({show_string(name)})" if kind == "env" else show_string(reference)


def policy_lines(policy: Policy) -> list[str]:
    """Write a policy as decorators, a line each."""
    decorators: list[str] = []
    if policy.timeout is not None:
        decorators.append(f"@timeout({show_duration(policy.timeout)})")
    if policy.retry is not None:
        decorators.append(f"@retry({_retry(policy.retry)})")
    if policy.priority is not None:
        decorators.append(f"@priority({policy.priority})")
    if policy.ttl is not None:
        decorators.append(f"@ttl({show_duration(policy.ttl)})")
    if policy.on_error is not None:
        decorators.append(f"@on_error({policy.on_error})")
    if policy.on_ambiguous is not None:
        decorators.append(f"@on_ambiguous({policy.on_ambiguous})")
    if policy.cache is not None:
        decorators.append(f"@cache({show_duration(policy.cache)})")
    return decorators


def _retry(retry: Retry) -> str:
    default = Retry()
    arguments = [str(retry.attempts)]
    arguments += [f"base: {show_duration(retry.base)}"] if retry.base != default.base else []
    arguments += [f"cap: {show_duration(retry.cap)}"] if retry.cap != default.cap else []
    return ", ".join(arguments)
