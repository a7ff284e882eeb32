"""What decorators say: durations, policies, labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, join, nearest, replace_by, there_are
from saltern_compiler.expr.ast import Const, Expr, Ident
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.frontend.language.syntax import Argument, Decorator, Embedded, Name
from saltern_compiler.frontend.language.types import place
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Policy, Retry


@dataclass(frozen=True, slots=True)
class Decorations:
    """What the decorators of one statement come to."""

    policy: Policy
    origins: tuple[tuple[str, Origin], ...]
    label: str = ""
    disabled: bool = False


class _IllTypedError(Exception):
    """An argument is not what the decorator takes; the text says what it does take."""

    def __init__(self, message: str, origin: Origin, fix: Fix | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.origin = origin
        self.fix = fix


def decorations(
    decorators: Sequence[Decorator], report: Callable[[Diagnostic], None], *, of_node: bool = True
) -> Decorations:
    """Read decorators; what is wrong with them is reported, and the rest counts."""
    values: dict[str, Any] = {}
    origins: list[tuple[str, Origin]] = []
    for decorator in decorators:
        name = decorator.name.text
        known = name in _READERS if of_node else name in _POLICIES
        if name in values:
            report(Diagnostic("duplicate-key", f"`@{name}` stands here twice", place(decorator.span)))
        elif known:
            origins.append((f"policy:{name}", place(decorator.span)))
            values[name] = _read(decorator, report)
        else:
            report(_unknown(decorator.name, of_node=of_node))
    fields = {key: value for key, value in values.items() if key in _POLICIES}
    return Decorations(Policy(**fields), tuple(origins), values.get("label") or "", values.get("disabled") is True)


def _unknown(name: Name, *, of_node: bool) -> Diagnostic:
    known = tuple(_READERS if of_node else _POLICIES)
    near = nearest(name.text, known)
    fixes = replace_by(near, place(name.span))
    notes = (*did_you_mean(f"@{name}" for name in near), *there_are(f"@{name}" for name in known))
    message = f"there is no policy `@{name.text}`" + ("" if of_node else " here")
    return Diagnostic("unknown-policy", message, place(name.span), notes=notes, fixes=fixes)


def _read(decorator: Decorator, report: Callable[[Diagnostic], None]) -> object:
    usage, reader = _READERS[decorator.name.text]
    try:
        return reader(decorator)
    except _IllTypedError as error:
        fixes = (error.fix,) if error.fix else ()
        notes = (f"Write `{usage}`.",)
        report(Diagnostic("ill-typed-policy", error.message, error.origin, notes=notes, fixes=fixes))
        return None


def _one(decorator: Decorator) -> Expr:
    if len(decorator.arguments) != 1 or decorator.arguments[0].name is not None:
        raise _IllTypedError(f"`@{decorator.name.text}` takes one value", place(decorator.span))
    return decorator.arguments[0].value


def duration(value: Expr, what: str) -> float:
    """Read a duration in seconds, or raise."""
    if isinstance(value, Const) and isinstance(value.value, int | float) and not isinstance(value.value, bool):
        fix = (
            Fix(f"Replace by `{value.value}s`", (Edit(place(value.span), f"{value.value}s"),))
            if value.value > 0
            else None
        )
        raise _IllTypedError(f"{what} has no unit", place(value.span), fix)
    length = seconds(value.name) if isinstance(value, Embedded) and value.kind == "duration" else None
    if length is None:
        raise _IllTypedError(f"{what} is a duration", place(value.span))
    return length


def _integer(value: Expr, what: str) -> int:
    number = value.value if isinstance(value, Const) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise _IllTypedError(f"{what} is a whole number", place(value.span))
    return number


def _word(value: Expr, what: str, words: Sequence[str]) -> str:
    text = value.name if isinstance(value, Ident) else value.value if isinstance(value, Const) else None
    if not isinstance(text, str) or text not in words:
        raise _IllTypedError(f"{what} is {join(words, 'or')}", place(value.span))
    return text


def _retry(decorator: Decorator) -> Retry:
    given: dict[str, Any] = {}
    for position, argument in enumerate(decorator.arguments):
        name = _argument_name(argument, position)
        if name in given:
            raise _IllTypedError(f"`{name}` stands here twice", place(argument.span))
        if name == "attempts":
            given[name] = _integer(argument.value, "the number of attempts")
        else:
            given[name] = duration(argument.value, f"`{name}`")
    if not given:
        raise _IllTypedError("`@retry` does not say how often", place(decorator.span))
    return dataclasses.replace(Retry(), **given)


def _argument_name(argument: Argument, position: int) -> str:
    if argument.name is None and position == 0:
        return "attempts"
    if argument.name is None or argument.name.text not in {"attempts", "base", "cap"}:
        raise _IllTypedError("`@retry` knows `attempts`, `base` and `cap`", place(argument.span))
    return argument.name.text


def _label(decorator: Decorator) -> str:
    value = _one(decorator)
    if not isinstance(value, Const) or not isinstance(value.value, str):
        raise _IllTypedError("a label is a string", place(value.span))
    return value.value


def _disabled(decorator: Decorator) -> bool:
    if decorator.arguments:
        raise _IllTypedError("`@disabled` takes nothing", place(decorator.span))
    return True


_POLICIES: Final[Mapping[str, tuple[str, Callable[[Decorator], object]]]] = {
    "retry": ("@retry(5)` or `@retry(attempts: 5, base: 2s, cap: 1m)", _retry),
    "timeout": ("@timeout(20s)", lambda of: duration(_one(of), "a time-out")),
    "priority": ("@priority(9)", lambda of: _integer(_one(of), "a priority")),
    "ttl": ("@ttl(10m)", lambda of: duration(_one(of), "a time to live")),
    "on_error": ("@on_error(continue)", lambda of: _word(_one(of), "what an error leads to", ("fail", "continue"))),
    "on_ambiguous": (
        "@on_ambiguous(fail)",
        lambda of: _word(_one(of), "what an unknown outcome leads to", ("retry", "fail")),
    ),
    "cache": ("@cache(1h)", lambda of: duration(_one(of), "the time that a value is kept")),
}
_READERS: Final[Mapping[str, tuple[str, Callable[[Decorator], object]]]] = {
    **_POLICIES,
    "label": ('@label("…")', _label),
    "disabled": ("@disabled", _disabled),
}
