"""Types of a function, read from the text of its module: nothing is imported, nothing is run.

Known annotations: int, float, str, bool, bytes, None, datetime, timedelta, list, dict with string keys, Optional, unions,
Literal, Annotated (its first part; of a field also "personal" and "secret", of a result also "declassify: WHY"), the module's own TypedDicts and type aliases, and `File` out of `saltern_runtime.files`.
All else is `any`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    FILE,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Field,
    ListType,
    LiteralType,
    MapType,
    Type,
    obj,
    union,
)

_NAMES: Final[Mapping[str, Type]] = {
    "int": INT, "float": DOUBLE, "str": STRING, "bool": BOOL, "bytes": BYTES, "None": NULL, "datetime": TIMESTAMP,
    "timedelta": DURATION, "list": ListType(ANY), "List": ListType(ANY), "Sequence": ListType(ANY), "dict": MapType(ANY),
    "Dict": MapType(ANY), "Mapping": MapType(ANY), "Any": ANY, "object": ANY,
}  # fmt: skip
_LISTS: Final = frozenset({"list", "List", "Sequence"})
_MAPS: Final = frozenset({"dict", "Dict", "Mapping"})
_WHY: Final = "declassify:"
_FIELD_MARKS: Final = frozenset({"Required", "NotRequired", "ReadOnly"})


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a function."""

    name: str
    type: Type
    required: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes by keyword and what it gives."""

    arguments: tuple[Argument, ...]
    result: Type
    takes_more: bool
    """Whether it has `**kwargs`."""
    positional_only: tuple[str, ...] = ()
    is_async: bool = False
    declassified: str = ""
    """Why the result carries no labels of the arguments: `-> Annotated[int, "declassify: WHY"]`."""


@dataclass(frozen=True, slots=True)
class OwnModule:
    """A module of the pipeline, as text."""

    functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]
    classes: Mapping[str, ast.ClassDef]
    aliases: Mapping[str, ast.expr] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    """Names under which `saltern_runtime.files.File` is imported."""

    def signature(self, name: str) -> Signature | None:
        """Return the signature of a function at the module's top level, if there is one."""
        function = self.functions.get(name)
        if function is None:
            return None
        given = function.args
        names = [*given.posonlyargs, *given.args]
        optional = {arg.arg for arg in names[len(names) - len(given.defaults) :]} if given.defaults else set()
        optional |= {
            arg.arg for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is not None
        }
        return Signature(
            tuple(
                Argument(arg.arg, self._type(arg.annotation), arg.arg not in optional)
                for arg in [*given.args, *given.kwonlyargs]
            ),
            self._type(function.returns),
            takes_more=given.kwarg is not None,
            positional_only=tuple(arg.arg for arg in given.posonlyargs if arg.arg not in optional),
            is_async=isinstance(function, ast.AsyncFunctionDef),
            declassified=next(
                (text.removeprefix(_WHY).strip() for text in _texts(function.returns) if text.startswith(_WHY)), ""
            ),
        )

    def _type(self, annotation: ast.expr | None, seen: frozenset[str] = frozenset()) -> Type:
        match annotation:
            case ast.Constant(value=None):
                return NULL
            case ast.Constant(value=str() as text):
                return self._type(_parse_expression(text), seen)
            case ast.Name(id=name):
                return self._named(name, seen)
            case ast.Attribute(attr=name):
                return FILE if ast.unparse(annotation) in self.files else _NAMES.get(name, ANY)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return union(self._type(left, seen), self._type(right, seen))
            case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
                return self._generic(name, inner.elts if isinstance(inner, ast.Tuple) else [inner], seen)
            case _:
                return ANY

    def _named(self, name: str, seen: frozenset[str]) -> Type:
        if name in seen:
            return ANY
        if name in self.aliases:
            return self._type(self.aliases[name], seen | {name})
        if name in self.classes:
            return self._typed_dict(self.classes[name], seen | {name})
        return FILE if name in self.files else _NAMES.get(name, ANY)

    def _generic(self, name: str, parts: list[ast.expr], seen: frozenset[str]) -> Type:
        if name == "Literal":
            return _literals(parts)
        if name == "Optional" and len(parts) == 1:
            return union(self._type(parts[0], seen), NULL)
        if name == "Union":
            return union(*(self._type(part, seen) for part in parts))
        if name == "Annotated" and parts:
            return self._type(parts[0], seen)
        if name in _LISTS and len(parts) == 1:
            return ListType(self._type(parts[0], seen))
        if name in _MAPS and len(parts) == 2:
            return MapType(self._type(parts[1], seen)) if self._type(parts[0], seen) == STRING else ANY
        return ANY

    def _typed_dict(self, class_: ast.ClassDef, seen: frozenset[str]) -> Type:
        fields = self._fields(class_, seen)
        return ANY if fields is None else obj(fields)

    def _fields(self, class_: ast.ClassDef, seen: frozenset[str]) -> dict[str, Field] | None:
        """Return the fields of a TypedDict and those it inherits; None for another kind of class."""
        total = not any(
            k.arg == "total" and isinstance(k.value, ast.Constant) and k.value.value is False for k in class_.keywords
        )
        fields: dict[str, Field] = {}
        is_dict = False
        for base in class_.bases:
            name = _last_name(base)
            inherited = (
                self._fields(self.classes[name], seen | {name}) if name in self.classes and name not in seen else None
            )
            is_dict = is_dict or name == "TypedDict" or inherited is not None
            fields |= inherited or {}
        if not is_dict:
            return None
        for line in class_.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                fields[line.target.id] = self._field(line.target.id, line.annotation, required=total, seen=seen)
        return fields

    def _field(self, name: str, annotation: ast.expr, *, required: bool, seen: frozenset[str]) -> Field:
        while isinstance(annotation, ast.Subscript) and _last_name(annotation.value) in _FIELD_MARKS:
            mark = _last_name(annotation.value)
            required = required if mark == "ReadOnly" else mark == "Required"
            annotation = annotation.slice
        texts = frozenset(_texts(annotation))
        return Field(name, self._type(annotation, seen), required, "personal" in texts, secret="secret" in texts)


def read_module(text: str) -> OwnModule | None:
    """Read a module's text; None where it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return OwnModule(
        {line.name: line for line in tree.body if isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef)},
        {line.name: line for line in tree.body if isinstance(line, ast.ClassDef)},
        dict(_aliases(tree)),
        frozenset(_files(tree)),
    )


def _texts(annotation: ast.expr | None) -> Iterator[str]:
    """Yield what an annotation is `Annotated` with, as far as it is text."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = _parse_expression(annotation.value)
    if not isinstance(annotation, ast.Subscript) or _last_name(annotation.value) != "Annotated":
        return
    parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
    yield from (part.value for part in parts[1:] if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _files(tree: ast.Module) -> Iterator[str]:
    """Yield the names under which a module knows `File`, also those that it imports for type checkers alone."""
    for line in _imports(tree.body):
        if isinstance(line, ast.Import):
            for name in line.names:
                if name.name in ("saltern_runtime", "saltern_runtime.files"):
                    yield f"{name.asname}.File" if name.asname else f"{name.name}.File"
        elif line.module in ("saltern_runtime", "saltern_runtime.files") and not line.level:
            for name in line.names:
                if name.name == "File":
                    yield name.asname or name.name
                elif f"{line.module}.{name.name}" == "saltern_runtime.files":
                    yield f"{name.asname or name.name}.File"


def _imports(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for line in body:
        if isinstance(line, ast.Import | ast.ImportFrom):
            yield line
        elif isinstance(line, ast.If) and _last_name(line.test) == "TYPE_CHECKING":
            yield from _imports(line.body)


def _aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for line in tree.body:
        match line:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield name, value


def _parse_expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _last_name(of: ast.expr) -> str:
    match of:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _literals(parts: list[ast.expr]) -> Type:
    literals: list[Type] = []
    for part in parts:
        match part:
            case ast.Constant(value=None):
                literals.append(NULL)
            case ast.Constant(value=str() | bool() | int() as value):
                literals.append(LiteralType(value))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                literals.append(LiteralType(-value))
            case _:
                return ANY
    return union(*literals) if literals else ANY
