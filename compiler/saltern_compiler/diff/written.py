"""Parts of a pipeline as the language writes them, on one line; what is long is cut where it is shown, not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.frontend.language.print_sections import policy_lines
from saltern_compiler.frontend.language.print_values import ValueWriter
from saltern_compiler.ir.attempts import VALUES, WHOLES
from saltern_compiler.ir.budget import TIME, Budget, is_wait
from saltern_compiler.ir.concurrency import MEMBERS
from saltern_compiler.ir.pipeline import Connection, Node, Pipeline, Trigger
from saltern_compiler.ir.values import Value
from saltern_runtime.spec import Json, Policy

_POLICY: Final = tuple(field.name for field in fields(Policy))


def _writer(pipeline: Pipeline) -> ValueWriter:
    def secret(name: str) -> str:
        found = pipeline.secret(name)
        return name if found is None else reference(found.reference)

    return ValueWriter({}, secret)


def reference(of: str) -> str:
    """Write what a secret refers to."""
    kind, _, name = of.partition(":")
    return f'env("{name}")' if kind == "env" else of


def value(of: Value, pipeline: Pipeline) -> str:
    """Write a value; secrets by what they refer to."""
    return _writer(pipeline).value(of)


def policy(of: Policy, name: str) -> str | None:
    """Write one field of a policy as its decorator; None where it is not set."""
    lines = policy_lines(Policy(**{name: getattr(of, name)}))
    return lines[0] if lines else None


def policies(old: Policy, new: Policy) -> list[tuple[str, str | None, str | None]]:
    """Return the fields of two policies that differ, with how each is written."""
    return [
        (name, policy(old, name), policy(new, name)) for name in _POLICY if getattr(old, name) != getattr(new, name)
    ]


def length(seconds: float) -> str:
    """Write a length of time."""
    return show_duration(seconds)


def setting(value: Json) -> str:
    """Write a setting of a pipeline: a length of time, or how many runs go on at a time."""
    if not isinstance(value, dict):
        return length(value)
    return f"{{ {', '.join(f'{name}: {_member(value[name])}' for name in MEMBERS if name in value)} }}"


def _member(value: Json) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)


def budget(of: Budget) -> Iterator[tuple[str, str]]:
    """Yield each limit of a budget with its number: `time`, `calls bank`."""
    for name, given in of:
        for part, number in given.items() if isinstance(given, dict) else (("", given),):
            is_length = name == TIME or is_wait(part)
            yield f"{name} {part}".strip(), show_duration(float(number)) if is_length else str(number)


def node(of: Node, pipeline: Pipeline) -> str:
    """Write a node without its body: type, connection, parameters."""
    params = [(name, each) for name, each in of.params if not (of.type in WHOLES and name == VALUES)]
    head = of.type + (f"@{of.version}" if of.version != 1 else "") + (f"({of.connection})" if of.connection else "")
    return head + _braces(params, pipeline)


def connection(of: Connection, pipeline: Pipeline) -> str:
    """Write a connection without its name."""
    return of.connector + _braces(of.settings, pipeline)


def trigger(of: Trigger, pipeline: Pipeline) -> str:
    """Write a trigger."""
    return f"on {of.type}" + _braces(of.settings, pipeline)


def _braces(settings: tuple[tuple[str, Value], ...] | list[tuple[str, Value]], pipeline: Pipeline) -> str:
    written = ", ".join(f"{name}: {value(each, pipeline)}" for name, each in settings)
    return f" {{ {written} }}" if written else ""


def gate(of: Node) -> str | None:
    """Write what a node hangs on: `route takes case.billing`; None where it is on nothing."""
    if not of.control:
        return None
    joined = " or " if of.join == "any" else " and "
    return joined.join(sorted({f"{edge.source} takes {edge.handle}" for edge in of.control}))
