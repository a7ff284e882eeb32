"""`python.call`: a function of the pipeline's own module, which lies beside the pipeline and travels into the package.

Its types come from its annotations, as text; what it returns is held to them, or to the generated model, when it runs.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_type_hints, overload

from saltern_runtime.errors import PermanentError
from saltern_runtime.integers import fit
from saltern_runtime.nodes.python.signature import OwnModule, Signature, read_module
from saltern_runtime.spec import (
    ANY,
    STRING,
    Bound,
    Effect,
    LiteralType,
    MapType,
    NodeType,
    ObjectType,
    Param,
    Problem,
    Type,
    union,
)

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

    from saltern_runtime.graph import Context

R = TypeVar("R")
T = TypeVar("T")

_NAME: Final = re.compile(r"(?P<module>[A-Za-z_][A-Za-z0-9_]*):(?P<function>[A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_TAKEN: Final = frozenset(
    {
        "models", "nodes", "graph", "tasks", "api", "custom", "input", "output", "router", "create_app", "any", "import_module",
        "type_checking", "_home",
    }
)  # fmt: skip
"""Modules of the generated package, and what its front has or exports; lower case, since some file systems see no difference."""

_read: Final = lru_cache(maxsize=64)(read_module)


def _parts(bound: Bound) -> tuple[str, str] | None:
    value = bound.literals.get("function")
    match = _NAME.fullmatch(value) if isinstance(value, str) else None
    return (match["module"], match["function"]) if match else None


def _module(bound: Bound) -> OwnModule | None:
    parts = _parts(bound)
    text = bound.files.get(f"{parts[0]}.py") if parts else None
    return None if text is None else _read(text)


def _signature(bound: Bound) -> Signature | None:
    parts, module = _parts(bound), _module(bound)
    return module.signature(parts[1]) if parts and module else None


def _result(bound: Bound) -> Type:
    signature = _signature(bound)
    return signature.result if signature is not None else ANY


def _clears(bound: Bound) -> str:
    signature = _signature(bound)
    return "" if signature is None else signature.declassified


def _effect(bound: Bound) -> Effect:
    value = bound.literals.get("effect", "external")
    return Effect(value) if value in set(Effect) else Effect.EXTERNAL


def _check(bound: Bound) -> Iterator[Problem]:
    if not isinstance(bound.literals.get("function"), str):
        return
    problem = _wrong_function(bound)
    signature = _signature(bound)
    if problem is not None or signature is None:
        yield problem or Problem("function", f"there is no function {bound.literals['function']!r}")
        return
    if signature.is_async:
        yield Problem(
            "function", f"{bound.literals['function']!r} is an async function", ("Workers call plain functions.",)
        )
    if signature.positional_only:
        names = ", ".join(signature.positional_only)
        yield Problem(
            "function",
            f"{bound.literals['function']!r} takes {names} by position only",
            ("Arguments are passed by name.",),
        )
    yield from _check_arguments(bound, signature)


def _wrong_function(bound: Bound) -> Problem | None:
    parts = _parts(bound)
    if parts is None:
        note = "Write `module:function`, such as `rules:score` for `score` in rules.py beside the pipeline."
        return Problem("function", f"{bound.literals['function']!r} names no function", (note,))
    name, function = parts
    if keyword.iskeyword(name):
        return Problem("function", f"the module name {name!r} is a keyword of Python", ("Rename the module.",))
    if name.lower() in _TAKEN or name.startswith("__"):
        return Problem("function", f"the module name {name!r} is taken by generated code", ("Rename the module.",))
    if f"{name}.py" not in bound.files:
        known = ", ".join(sorted(bound.files)) or "no module at all"
        return Problem("function", f"there is no module {name}.py beside the pipeline", (f"There is: {known}.",))
    module = _module(bound)
    if module is None:
        return Problem("function", f"{name}.py cannot be read as Python")
    if function not in module.functions:
        known = ", ".join(sorted(module.functions)) or "none"
        return Problem(
            "function", f"{name}.py has no function {function!r} at its top level", (f"Its functions: {known}.",)
        )
    return None


def _check_arguments(bound: Bound, signature: Signature) -> Iterator[Problem]:
    names = _argument_names(bound)
    if names is None:
        return
    known = {argument.name for argument in signature.arguments}
    for name in sorted(names - known):
        if not signature.takes_more:
            takes = ", ".join(argument.name for argument in signature.arguments) or "no arguments"
            yield Problem(
                "args", f"{bound.literals['function']!r} takes no argument {name!r}", (f"It takes: {takes}.",)
            )
    for argument in signature.arguments:
        if argument.required and argument.name not in names:
            yield Problem("args", f"{bound.literals['function']!r} lacks the argument {argument.name!r}")


def _argument_names(bound: Bound) -> frozenset[str] | None:
    """Return the names of the arguments, where all are known."""
    literal, given = bound.literals.get("args"), bound.types.get("args")
    if isinstance(literal, dict):
        return frozenset(literal)
    if isinstance(given, ObjectType) and not given.open and all(field.required for field in given.fields):
        return frozenset(field.name for field in given.fields)
    return frozenset() if given is None and literal is None else None


NODE: Final = NodeType(
    name="python.call",
    summary="Calls a function of the pipeline's own module.",
    params=(
        Param(
            "function",
            STRING,
            static=True,
            template=False,
            doc="`module:function`; the module lies beside the pipeline.",
        ),
        Param("args", MapType(ANY), required=False, default={}, doc="Arguments by name."),
        Param(
            "effect",
            union(*(LiteralType(str(effect)) for effect in Effect)),
            required=False,
            default="external",
            static=True,
            passed=False,
            doc="What a repeated call does: pure, read, idempotent or external.",
        ),
    ),
    result=_result,
    effect=_effect,
    call="saltern_runtime.nodes.python:call",
    imports_param="function",
    result_param="result",
    clears=_clears,
    check=_check,
)


@overload
def call(
    ctx: Context, function: Callable[..., object], args: Mapping[str, object] = ..., *, result: TypeForm[T]
) -> T: ...


@overload
def call(ctx: Context, function: Callable[..., R], args: Mapping[str, object] = ..., *, result: None = None) -> R: ...


def call(
    ctx: Context,
    function: Callable[..., Any],
    args: Mapping[str, object] | None = None,
    *,
    result: Any = None,
) -> Any:
    """Call a function with plain values and return what it gives, checked against `result` or its annotation.

    Raises PermanentError where the arguments do not fit or the result is of another type; what the function itself raises
    passes through.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - reading the spec needs no pydantic

    name = f"{function.__module__.rpartition('.')[2]}:{function.__name__}"
    try:
        bound = inspect.signature(function).bind(**_with_files(function, _plain(dict(args or {}))))
    except ValidationError as error:
        message = f"{ctx.node}: {name} takes a file where there is none: {error.errors()[0]['msg']}"
        raise PermanentError(message, code="bad-arguments") from None
    except TypeError as error:
        raise PermanentError(f"{ctx.node}: {name} cannot be called so: {error}", code="bad-arguments") from None
    try:
        value = function(*bound.args, **bound.kwargs)
    except SystemExit as error:
        raise PermanentError(f"{ctx.node}: {name} called sys.exit({error.code!r})", code="function-exited") from None
    try:
        held = _adapter(function, result).validate_python(value)
    except ValidationError as error:
        places = ", ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the whole'} ({problem['type']})"
            for problem in error.errors(include_input=False)[:5]
        )
        raise PermanentError(
            f"{ctx.node}: {name} returned another type than it says: {places}", code="wrong-result"
        ) from None
    try:
        is_fit = fit(held)
    except RecursionError:
        message = f"{ctx.node}: {name} returned what is nested too deeply, or holds itself"
        raise PermanentError(message, code="wrong-result") from None
    if not is_fit:
        message = f"{ctx.node}: {name} returned a whole number that 64 bits do not hold, or one that JSON has not (NaN, infinity)"
        raise PermanentError(message, code="wrong-result")
    return held


def _plain(value: Any) -> Any:
    """Turn a value into plain JSON, but for its files."""
    from pydantic import BaseModel  # noqa: PLC0415 - reading the spec needs no pydantic

    from saltern_runtime.files import File, files_in  # noqa: PLC0415 - reading the spec needs no pydantic
    from saltern_runtime.models import plain  # noqa: PLC0415 - reading the spec needs no pydantic

    match value:
        case File():
            return value
        case _ if next(files_in(value), None) is None:
            return plain(value)
        case BaseModel():
            known = type(value).model_fields
            names = {name: known[name].alias or name for name in value.model_fields_set}
            return {alias: _plain(getattr(value, name)) for name, alias in names.items()}
        case Mapping():
            return {key: _plain(member) for key, member in value.items()}
        case _:
            return [_plain(member) for member in value]


def _with_files(function: Callable[..., Any], args: dict[str, Any]) -> dict[str, Any]:
    """Make files of the arguments that are to be some."""
    adapters = _file_adapters(function)
    return {name: adapters[name].validate_python(value) if name in adapters else value for name, value in args.items()}


@lru_cache
def _file_adapters(function: Callable[..., Any]) -> Mapping[str, TypeAdapter[Any]]:
    """Return what reads each argument that has files in it; none where the annotations cannot be read."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - reading the spec needs no pydantic

    from saltern_runtime.files import File, mentions_files  # noqa: PLC0415 - reading the spec needs no pydantic

    try:  # a File that is imported for type checkers alone is known all the same
        hints = get_type_hints(function, {"File": File, **function.__globals__})
    except NameError:
        return {}
    return {name: TypeAdapter(hint) for name, hint in hints.items() if name != "return" and mentions_files(hint)}


_ADAPTERS: Final[dict[tuple[Any, str], TypeAdapter[Any]]] = {}


def _adapter(function: Callable[..., Any], result: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - reading the spec needs no pydantic

    key = (function, repr(result))
    if key not in _ADAPTERS:
        _ADAPTERS[key] = TypeAdapter(result) if result is not None else _promised(function)
    return _ADAPTERS[key]


def _promised(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """Read a function's annotation; checks nothing where it cannot be read.

    Its names may be there for type checkers alone, and pydantic takes `typing.TypedDict` from Python 3.12 on.
    """
    from pydantic import PydanticUserError, TypeAdapter  # noqa: PLC0415 - reading the spec needs no pydantic

    try:
        return TypeAdapter(get_type_hints(function).get("return", Any))
    except (NameError, PydanticUserError):
        return TypeAdapter(Any)
