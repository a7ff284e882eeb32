"""`dataclass` as the standard library has it, for a tenth of the time that an import takes: methods are made when they are first needed.

A check imports some 250 of these classes. The standard library writes six methods for each of them as source text and compiles it, 0.45 ms
a class on the machine of bench/README.md; here it is asked for the fields and the slots alone (0.03 ms). What compares, hashes and shows is
made of the fields' names, and `__init__` is compiled when a few objects have been made: most classes of a check have no more.

`fields`, `replace` and `asdict` of the standard library take these classes, and type checkers see its own decorator. What has an
`InitVar`, or a field with `hash=`, takes the original. One that is frozen inherits from those of here alone. That a field without a default
follows one with a default is for type checkers to tell. `inspect.signature` and `__dataclass_params__` say nothing of use.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Mapping
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

_FEW = 3
"""Objects of a class that are made without compiling: three quarters of the classes of a check have no more."""
_Values = Callable[[Any], tuple[Any, ...]]


def _dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    order: bool = False,
    kw_only: bool = False,
) -> Any:
    """Make a dataclass of a class; the options are those of `dataclasses.dataclass`."""
    if cls is None:
        return lambda each: _dataclass(each, frozen=frozen, slots=slots, eq=eq, order=order, kw_only=kw_only)
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the original writes one, for more than all the rest
    own = set(vars(cls))
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
    if vars(made).get("__hash__") is None:
        own.discard("__hash__")  # Python itself sets it to None beside an `__eq__`
    for name, method in _methods(made, frozen=frozen, slots=slots, eq=eq, order=order).items():
        if name not in own:
            setattr(made, name, method)
    return made


def _methods(cls: type, *, frozen: bool, slots: bool, eq: bool, order: bool) -> Mapping[str, Any]:
    methods: dict[str, Any] = {"__init__": _first_init(cls, frozen=frozen), "__repr__": _repr}
    if frozen:
        methods |= {"__setattr__": _refusal(cls, "assign to"), "__delattr__": _refusal(cls, "delete")}
    if frozen and slots:
        methods |= {"__getstate__": _get_state, "__setstate__": _set_state}
    values = _values(cls)
    if eq:
        methods |= {"__eq__": _comparison(values, operator.eq), "__hash__": _hash(values) if frozen else None}
    if order:
        methods |= {f"__{name}__": _comparison(values, getattr(operator, name)) for name in ("lt", "le", "gt", "ge")}
    return methods


def _first_init(cls: Any, *, frozen: bool) -> Callable[..., None]:
    """Return an `__init__` that sets the fields of the first few objects one by one, then puts a compiled one in its place."""
    made = 0
    real: Callable[..., None] | None = None
    put = object.__setattr__ if frozen else setattr  # as the compiled one: a class may have its own `__setattr__`

    def first(self: object, /, *args: object, **kwargs: object) -> None:
        nonlocal made, real
        made += 1
        values = _bound(cls, args, kwargs) if made <= _FEW else None
        if values is None:
            real = real or _init(cls, frozen=frozen)
            if cls.__init__ is first:  # else somebody has put another one around it, which stays
                cls.__init__ = real
            real(self, *args, **kwargs)
            return
        for name, value in values.items():
            put(self, name, value)
        if hasattr(cls, "__post_init__"):
            self.__post_init__()  # type: ignore[attr-defined]  # as the line above has seen

    return first


def _bound(cls: Any, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object] | None:
    """Return what each field is; None where arguments do not fit, which the compiled one tells."""
    left = dict(kwargs)
    given = iter(args)
    values: dict[str, object] = {}
    for each in dataclasses.fields(cls):
        name = each.name
        value = next(given, dataclasses.MISSING) if each.init and not each.kw_only else dataclasses.MISSING
        if value is dataclasses.MISSING and each.init:
            value = left.pop(name, dataclasses.MISSING)
        if value is dataclasses.MISSING:
            value = each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
        if value is not dataclasses.MISSING:
            values[name] = value
        elif each.init:
            return None
    return None if left or next(given, given) is not given else values


def _init(cls: Any, *, frozen: bool) -> Callable[..., None]:
    """Compile the real one: parameters and defaults are those of the fields."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": dataclasses.MISSING}
    plain: list[str] = ["_self"]
    named: list[str] = []
    body: list[str] = []
    for each in dataclasses.fields(cls):
        name = each.name
        has_default = each.default is not dataclasses.MISSING
        has_factory = each.default_factory is not dataclasses.MISSING
        if not (each.init or has_default or has_factory):
            continue  # `__post_init__` sets it
        known[f"_of_{name}"] = each.default if has_default else each.default_factory
        value = f"_of_{name}()" if has_factory else f"_of_{name}"
        if each.init:
            default = f"=_of_{name}" if has_default else "=_missing" if has_factory else ""
            (named if each.kw_only else plain).append(name + default)
            value = f"{value} if {name} is _missing else {name}" if has_factory else name
        body.append(f"_set(_self, {name!r}, {value})" if frozen else f"_self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("_self.__post_init__()")
    head = ", ".join([*plain, "*", *named] if named else plain)
    source = f"def __init__({head}):\n " + "\n ".join(body or ["pass"])
    exec(compile(source, f"<fields of {cls.__qualname__}>", "exec"), known)  # noqa: S102 - names of fields are all that is in it
    made: Callable[..., None] = known["__init__"]
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    return made


def _values(cls: Any) -> _Values:
    """Return what takes the fields that are compared out of an object."""
    names = [each.name for each in dataclasses.fields(cls) if each.compare]
    if len(names) > 1:
        return operator.attrgetter(*names)
    if not names:
        return lambda _: ()
    get = operator.attrgetter(*names)
    return lambda of: (get(of),)


def _comparison(values: _Values, holds: Callable[[object, object], bool]) -> Callable[[Any, Any], bool]:
    def compared(self: object, other: object) -> bool:
        return holds(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

    return compared


def _hash(values: _Values) -> Callable[[Any], int]:
    def hashed(self: object) -> int:
        return hash(values(self))

    return hashed


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refusal(cls: Any, what: str) -> Callable[..., None]:
    """Return what refuses to change a field; a class that inherits and is none of these may have attributes of its own."""
    method = "__setattr__" if what == "assign to" else "__delattr__"

    def refuse(self: Any, name: str, *value: object) -> None:
        if type(self) is cls or name in cls.__dataclass_fields__:
            raise dataclasses.FrozenInstanceError(f"cannot {what} field {name!r}")
        getattr(super(cls, self), method)(name, *value)

    return refuse


def _get_state(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - type checkers take it for the original
else:
    dataclass = _dataclass
