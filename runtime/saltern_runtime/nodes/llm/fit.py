"""A model's value, fitted to the JSON Schema of what was asked for.

Fields that were not asked for go, and so do nulls that stand for absence; a number or a boolean is read out of a text where
the type wants one. In a union, what fits as it is stays; else it is read as the one member that it can be read as.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

from saltern_runtime.integers import INT_MAX, INT_MIN

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_KINDS: Final = {
    "integer": "integer of 64 bits",
    "number": "number",
    "boolean": "boolean",
    "string": "text",
    "null": "null",
    "array": "list",
    "object": "object",
}


class UnfitError(ValueError):
    """It does not fit; `findings` say where and why, without the values."""

    def __init__(self, *findings: str) -> None:
        super().__init__("; ".join(findings[:5]))
        self.findings = findings


def fit(value: Any, schema: dict[str, Any]) -> Any:
    """Return the value as the schema wants it; raises UnfitError."""
    return _Fitting(schema.get("$defs", {})).fit(value, schema, "")


class _Fitting:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = definitions

    def fit(self, value: Any, schema: Any, path: str) -> Any:
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            return self._one_of(value, schema["anyOf"], path)
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if allowed is not None:
            kinds = sorted({_kind(each) for each in allowed})
            options = [{"type": kind, "allowed": [each for each in allowed if _kind(each) == kind]} for kind in kinds]
            return self._one_of(value, options, path)
        match schema.get("type"):
            case "object" if isinstance(value, dict):
                return self._object(value, schema, path)
            case "array" if isinstance(value, list):
                return self._list(value, schema, path)
        return _scalar(value, schema["type"], schema.get("allowed"), path) if "type" in schema else value

    def _object(self, value: dict[str, Any], schema: dict[str, Any], path: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        findings: list[str] = []
        required = schema.get("required", ())
        for name, part in schema.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            if name not in value:
                findings += [f"`{place}` is missing"] * (name in required)
            elif value[name] is not None or name in required:
                try:
                    out[name] = self.fit(value[name], part, place)
                except UnfitError as error:
                    findings += error.findings
        if findings:
            raise UnfitError(*findings)
        return out

    def _list(self, value: list[Any], schema: dict[str, Any], path: str) -> list[Any]:
        out: list[Any] = []
        findings: list[str] = []
        for number, item in enumerate(value):
            try:
                out.append(self.fit(item, schema.get("items", {}), f"{path}[{number}]"))
            except UnfitError as error:
                findings += error.findings
        if findings:
            raise UnfitError(*findings)
        return out

    def _one_of(self, value: Any, options: list[Any], path: str) -> Any:
        if value is None and {"type": "null"} in options:
            return None
        options = [option for option in options if option != {"type": "null"}]
        if len(options) == 1:
            return self.fit(value, options[0], path)
        read: dict[str, Any] = {}
        for option in options:
            try:
                fitted = self.fit(value, option, path)
            except UnfitError:
                continue
            read[json.dumps(fitted, sort_keys=True)] = fitted
        exact = json.dumps(value, sort_keys=True)
        if exact in read:
            return read[exact]
        if len(read) == 1:
            return next(iter(read.values()))
        raise UnfitError(f"`{path}` may be several things" if read else f"`{path}` is none of what it may be")


def _scalar(value: Any, kind: str, allowed: list[Any] | None, path: str) -> Any:
    read = _READ.get(kind, _same)(value)
    if _kind(read) != kind:
        raise UnfitError(f"`{path}` is no {_KINDS[kind]}" if path else f"it is no {_KINDS[kind]}")
    if allowed is not None and read not in allowed:
        raise UnfitError(f"`{path}` is none of its values")
    return read


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _same(value: Any) -> Any:
    return value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _integer(value: Any) -> Any:
    """Read a whole number of 64 bits; None where it is one of more bits."""
    value = _number(value)
    if isinstance(value, float):
        value = int(value) if value.is_integer() else value
    return value if _kind(value) != "integer" or INT_MIN <= value <= INT_MAX else None


def _double(value: Any) -> Any:
    value = _number(value)
    try:
        value = float(value) if _kind(value) == "integer" else value
    except OverflowError:
        return None
    return value if _kind(value) != "number" or math.isfinite(value) else None


def _number(value: Any) -> Any:
    """Read a text that is a number as JSON writes them: an int keeps all its digits."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
        return value
    try:
        return int(value)
    except ValueError:
        return float(value)


_READ: Final[dict[str, Callable[[Any], Any]]] = {"integer": _integer, "number": _double, "boolean": _boolean}
