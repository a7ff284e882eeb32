"""Reading parts of values, and checking that a dynamic value is what it has to be."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeVar, Union, get_args, get_origin, overload

from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.times import to_duration, to_timestamp
from saltern_runtime.expr.values import UInt, is_model, members, no_overload, plain, type_name

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E")


class _Model(Protocol):
    """A model, in whose fields `get` steps as well. No overload takes just anything: type checkers then give up on `dict[str, Any]`."""

    @property
    def model_fields_set(self) -> set[str]: ...


class _Missing:
    """No value: neither null nor a default."""


_MISSING: Final = _Missing()


@overload
def get(base: Mapping[str, T], key: str, /) -> T: ...
@overload
def get(base: Sequence[T], index: int, /) -> T: ...
@overload
def get(base: Mapping[str, T] | None, key: str, /, *, default: D) -> T | D: ...
@overload
def get(base: Sequence[T] | None, index: int, /, *, default: D) -> T | D: ...
@overload
def get(base: _Model | None, field: Any, /, *, default: Any = ...) -> Any: ...
@overload
def get(base: Any, first: Any, second: Any, /, *path: Any, default: Any = ...) -> Any: ...
def get(base: Any, /, *path: Any, default: Any = _MISSING) -> Any:
    """Read `base[path[0]][path[1]]…` of maps, lists and models; raises `ExprError` where a step leads nowhere.

    With a default, a missing key, an index beyond the end and a step into null give the default.
    """
    value = base
    for step in path:
        if not isinstance(default, _Missing) and value is None:
            return default
        member = _step(value, step)
        if isinstance(member, _Missing):
            if not isinstance(default, _Missing):
                return default
            raise _nowhere(value, step)
        value = member
    return value


def has(base: Any, /, *path: Any) -> bool:
    """Whether every step leads somewhere; null is somewhere. Raises `ExprError` for a step into what has no parts."""
    return not isinstance(get(base, *path, default=_MISSING_MARK), _Mark)


class _Mark:
    """A default that no caller passes."""


_MISSING_MARK: Final = _Mark()


def _step(value: Any, step: Any) -> Any:
    if isinstance(value, Mapping):
        return _lookup(value, step)
    if isinstance(value, list | tuple):
        return _at(value, step)
    if is_model(value):
        return members(value).get(step, _MISSING)
    raise ExprError("no-parts", f"{type_name(value)} has no {step!r}: only maps, lists and objects have parts")


def _lookup(value: Mapping[Any, Any], key: Any) -> Any:
    if isinstance(key, str):
        return value.get(key, _MISSING)
    if not isinstance(key, bool | int | float):
        return _MISSING
    return next((item for own, item in value.items() if _same_key(own, key)), _MISSING)


def _same_key(own: Any, key: Any) -> bool:
    return isinstance(own, bool) is isinstance(key, bool) and bool(own == key)


def _at(value: Sequence[Any], index: Any) -> Any:
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    if isinstance(index, bool) or not isinstance(index, int):
        raise ExprError("invalid-argument", f"a list is indexed by int, not by {type_name(index)}")
    return value[index] if 0 <= index < len(value) else _MISSING


def _nowhere(value: Any, step: Any) -> ExprError:
    if isinstance(value, list | tuple):
        return ExprError("no-such-item", f"no item {step}: the list has {len(value)}")
    return ExprError("no-such-key", f"no such key: {step!r}")


def each(value: Any) -> Iterable[Any]:
    """Return what a macro goes through: the items of a list, the keys of a map."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Mapping):
        return list(value)
    if is_model(value):
        return list(members(value))
    raise no_overload("a macro", value)


def pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a macro with two names goes through: places and items of a list, keys and values of a map."""
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if isinstance(value, Mapping):
        return list(value.items())
    if is_model(value):
        return list(members(value).items())
    raise no_overload("a macro", value)


def mapping(*entries: tuple[Any, Any]) -> dict[Any, Any]:
    """Make a map whose keys are computed; raises `ExprError` for a key twice or one that cannot be a key."""
    table: dict[Any, Any] = {}
    for key, value in entries:
        if not isinstance(key, str | bool | int):
            raise ExprError("invalid-argument", f"unsupported key type: {type_name(key)}")
        if key in table:
            raise ExprError("invalid-argument", f"repeated key: {key!r}")
        table[key] = value
    return table


def expect(value: Any, of: type[T]) -> T:
    """Check that a value is of a type (`str`, `list[int]`, a model, …) and return it.

    Plain JSON becomes models where the type says so, int becomes float. Raises `ExprError` that says where they part.
    """
    checked: T = _expect(value, of, "")
    return checked


def expect_optional(value: Any, of: type[T]) -> T | None:
    """Compute `expect`, with null let through."""
    return None if value is None else expect(value, of)


@overload
def expect_any(value: Any, a: type[T], b: type[D], /) -> T | D: ...
@overload
def expect_any(value: Any, a: type[T], b: type[D], c: type[E], /) -> T | D | E: ...
@overload
def expect_any(value: Any, /, *of: Any) -> Any: ...
def expect_any(value: Any, /, *of: Any) -> Any:
    """Check that a value is of one of some types."""
    return _expect_union(value, of, "")


def one_of(value: Any, *options: T) -> T:
    """Check that a value is one of some literals."""
    for option in options:
        if type(value) is type(option) and value == option:
            return option
    raise ExprError("wrong-type", f"{_short(value)} is none of {', '.join(map(_short, options))}")


_NAMES: Final[Mapping[Any, str]] = {
    str: "string", int: "int", float: "double", bool: "bool", bytes: "bytes", type(None): "null", datetime: "timestamp",
    timedelta: "duration", list: "list", dict: "map",
}  # fmt: skip


def _expect(value: Any, of: Any, path: str) -> Any:
    if of is Any or of is object:
        return plain(value)
    origin = get_origin(of)
    if origin is list:
        (inner,) = get_args(of)
        return [_expect(item, inner, f"{path}[{place}]") for place, item in enumerate(_whole(value, list, path))]
    if origin is dict:
        _, inner = get_args(of)
        whole = members(value) if is_model(value) else _whole(value, dict, path)
        return {key: _expect(item, inner, f"{path}.{key}") for key, item in whole.items()}
    if origin is Literal:
        return one_of(value, *get_args(of))
    if origin in (Union, types.UnionType):
        return _expect_union(value, get_args(of), path)
    if hasattr(of, "model_validate"):
        return _expect_model(value, of, path)
    return _expect_simple(value, of, path)


def _whole(value: Any, of: type, path: str) -> Any:
    if isinstance(value, of):
        return value
    raise _wrong(value, of, path)


def _expect_union(value: Any, options: tuple[Any, ...], path: str) -> Any:
    problem: ExprError | None = None
    for option in options:
        try:
            return _expect(value, option, path)
        except ExprError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _expect_model(value: Any, of: Any, path: str) -> Any:
    if isinstance(value, of):
        return value
    try:
        return of.model_validate(plain(value))
    except ValueError as error:
        raise ExprError("wrong-type", f"{path.lstrip('.') or 'the value'} is no {of.__name__}: {error}") from error


def _expect_simple(value: Any, of: Any, path: str) -> Any:
    if of is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if of is int and isinstance(value, bool | UInt):
        raise _wrong(value, of, path)
    if of in _TEXTUAL and isinstance(value, str):
        return _TEXTUAL[of](value)
    if isinstance(value, of):
        return value
    raise _wrong(value, of, path)


_TEXTUAL: Final[Mapping[Any, Callable[[str], Any]]] = {datetime: to_timestamp, timedelta: to_duration}


def _wrong(value: Any, of: Any, path: str) -> ExprError:
    where = f"{path.lstrip('.')}: " if path else ""
    return ExprError("wrong-type", f"{where}expected {_NAMES.get(of, str(of))}, got {type_name(value)} {_short(value)}")


def _short(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
