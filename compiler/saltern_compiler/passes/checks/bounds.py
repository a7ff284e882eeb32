"""Policies and the pipeline's own settings, within what the runtime can keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes
from saltern_compiler.ir import concurrency
from saltern_compiler.ir.concurrency import CONCURRENCY
from saltern_compiler.ir.pipeline import SETTINGS, Node, Pipeline
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, ObjectType, Policy, Retry, Type, show
from saltern_runtime.spec.concurrency import MOST_AT_ONCE, path_of
from saltern_runtime.spec.types import without_null

_DAY: Final = 86_400
_SETTINGS: Final = {name: (365 if name.startswith("retention") else 30) * _DAY for name in SETTINGS}
"""Setting → seconds, at most."""


@dataclass(frozen=True, slots=True)
class Bounds(Check):
    """`out-of-bounds`, `unknown-setting`, `ill-typed-setting`, `unknown-field`."""

    name: str = "bounds"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report numbers that no run could live by."""
        _check_settings(pipeline, context)
        _check_policy("the pipeline", pipeline.policy, _always(pipeline.place("settings")), context)
        for connection in pipeline.connections:
            _check_policy(f"`{connection.name}`", connection.policy, _always(connection.origin), context)
        for node in pipeline.body.walk():
            if node.policy != Policy():
                _check_policy(f"`{node.id}`", node.policy, _in_node(node), context)


def _always(origin: Origin) -> Callable[[str], Origin]:
    return lambda _: origin


def _in_node(node: Node) -> Callable[[str], Origin]:
    return lambda field: node.place(f"policy:{field}")


def _check_settings(pipeline: Pipeline, context: Context) -> None:
    place = pipeline.place("settings")
    for name, value in pipeline.settings:
        if name == CONCURRENCY:
            _check_concurrency(pipeline, context)
        elif name not in _SETTINGS:
            known = (*_SETTINGS, CONCURRENCY)
            notes = (*did_you_mean(context.nearest(name, known)), it_takes(known))
            context.report(Diagnostic("unknown-setting", f"the pipeline has no setting `{name}`", place, notes=notes))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            notes = ("It takes a number of seconds.",)
            context.report(
                Diagnostic("ill-typed-setting", f"`{name}` of the pipeline is no number", place, notes=notes)
            )
        elif not _within(value, 0, _SETTINGS[name]):
            notes = (f"More than 0 seconds, at most {_SETTINGS[name] // _DAY} days.",)
            context.report(
                Diagnostic("out-of-bounds", f"`{name}` of the pipeline is out of bounds", place, notes=notes)
            )

    given = dict(pipeline.settings)
    reserve, deadline = given.get("reserve"), given.get("deadline")
    if isinstance(reserve, float) and isinstance(deadline, float) and reserve >= deadline:
        notes = ("What is reserved for compensations is a part of the deadline.",)
        context.report(Diagnostic("out-of-bounds", "`reserve` leaves nothing of the deadline", place, notes=notes))


def _check_concurrency(pipeline: Pipeline, context: Context) -> None:
    said = concurrency.given(pipeline) or {}
    most = said.get(concurrency.AT_MOST, 1)
    if not 1 <= most <= MOST_AT_ONCE:
        place, rule = (
            pipeline.place(f"{CONCURRENCY}:{concurrency.AT_MOST}"),
            f"A whole number from 1 to {MOST_AT_ONCE}.",
        )
        message = f"`{concurrency.AT_MOST}` of `{CONCURRENCY}` is out of bounds"
        context.report(Diagnostic("out-of-bounds", message, place, notes=(rule,)))
    for key in concurrency.keys(said):
        reason = _why_no_key(key, pipeline)
        if reason is not None:
            code, note = reason
            message = f"runs cannot be told apart by `{key}`"
            place = pipeline.place(f"{CONCURRENCY}:{concurrency.KEY}")
            context.report(Diagnostic(code, message, place, notes=(note,)))


def _why_no_key(key: str, pipeline: Pipeline) -> tuple[str, str] | None:
    """Say why runs cannot be counted by a field of the input: a code and a note."""
    path = path_of(key)
    if not path:
        return "ill-typed-setting", "A field of the input: `input.customer`."
    of: Type = pipeline.input
    for name in path:
        plain = without_null(of)
        found = plain.field(name) if isinstance(plain, ObjectType) else None
        if found is None:
            return "unknown-field", f"{show(of)} has no field `{name}`."
        of = found.type
    return None


def _within(value: Json, above: float, to: float) -> bool:
    return math.isfinite(value) and above < value <= to


def _check_policy(owner: str, policy: Policy, place: Callable[[str], Origin], context: Context) -> None:
    def report(field: str, rule: str) -> None:
        message = f"`{field}` of {owner} is out of bounds"
        context.report(Diagnostic("out-of-bounds", message, place(field), notes=(rule,)))

    if policy.timeout is not None and not _within(policy.timeout, 0, _DAY):
        report("timeout", "More than 0 seconds, at most a day.")
    if policy.ttl is not None and not _within(policy.ttl, 0, 30 * _DAY):
        report("ttl", "More than 0 seconds, at most 30 days.")
    if policy.cache is not None and not _within(policy.cache, 0, 30 * _DAY):
        report("cache", "More than 0 seconds, at most 30 days.")
    if policy.priority is not None and policy.priority not in range(10):
        report("priority", "A whole number from 0 (whenever) to 9 (first).")
    if policy.retry is not None and not _is_sound(policy.retry):
        report(
            "retry",
            "1 to 100 attempts; waiting times from 0 seconds to a day, the first one no longer than the longest.",
        )


def _is_sound(retry: Retry) -> bool:
    waits = math.isfinite(retry.base) and math.isfinite(retry.cap) and 0 <= retry.base <= retry.cap <= _DAY
    return waits and retry.attempts in range(1, 101)
