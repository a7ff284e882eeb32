"""What values are: their names, their plain JSON, their text."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from saltern_runtime.expr.errors import ExprError

MAX_DURATION: Final = timedelta(seconds=315_576_000_000)
"""10,000 years, as long as CEL's durations get."""


class UInt(int):
    """An unsigned integer of 64 bits; it never leaves an expression."""

    __slots__ = ()


class TypeName(str):
    """The value of `type(x)`: compared by name, and apart from strings."""

    __slots__ = ()


def type_name(value: object) -> str:  # noqa: C901 - one case a type
    """Name the type of a value as expressions do; models are maps."""
    match value:
        case None:
            return "null_type"
        case bool():
            return "bool"
        case UInt():
            return "uint"
        case int():
            return "int"
        case float():
            return "double"
        case TypeName():
            return "type"
        case str():
            return "string"
        case bytes():
            return "bytes"
        case list() | tuple():
            return "list"
        case datetime():
            return "google.protobuf.Timestamp"
        case timedelta():
            return "google.protobuf.Duration"
        case _ if isinstance(value, Mapping) or is_model(value):
            return "map"
    return type(value).__name__


def no_overload(operation: str, *values: object) -> ExprError:
    """Make the error of an operation that its operands' types do not have."""
    return ExprError("no-overload", f"{operation} does not take {' and '.join(type_name(value) for value in values)}")


def type_of(value: object) -> TypeName:
    """Compute `type(x)`."""
    return TypeName("type" if isinstance(value, TypeName) else type_name(value))


def is_model(value: object) -> bool:
    """Whether a value is a pydantic model (told by its shape; this package knows none of pydantic)."""
    return hasattr(type(value), "model_dump") and hasattr(type(value), "model_fields")


def members(value: Any) -> dict[str, Any]:
    """Return the fields of a model that are present, by their JSON names, without converting them."""
    fields = type(value).model_fields
    return {fields[name].alias or name: getattr(value, name) for name in fields if _present(value, name, fields[name])}


def _present(value: Any, name: str, field: Any) -> bool:
    return field.is_required() or name in value.model_fields_set


def plain(value: Any) -> Any:
    """Turn a value into plain JSON: models into dicts by their JSON names, times into their text, bytes into base64."""
    match value:
        case None | bool() | float():
            return value
        case TypeName():
            raise ExprError("not-json", "a type is no JSON value")
        case str():
            return value
        case int():
            return int(value)
        case list() | tuple():
            return [plain(item) for item in value]
        case datetime() | timedelta():
            return _time_text(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case _ if is_model(value):
            return {key: plain(item) for key, item in members(value).items()}
        case _ if isinstance(value, Mapping):
            return {_key(key): plain(item) for key, item in value.items()}
    raise ExprError("not-json", f"{type(value).__name__} is no JSON value")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise ExprError("not-json", f"a JSON object has strings as keys, not {type_name(key)}")


def text(value: Any) -> str:
    """Write a value into a template: strings as they are, null as nothing, lists and objects as JSON."""
    match value:
        case str():
            return value
        case None:
            return ""
        case list() | tuple():
            return json.dumps(plain(value), ensure_ascii=False)
        case _ if isinstance(value, Mapping) or is_model(value):
            return json.dumps(plain(value), ensure_ascii=False)
    return to_string(value)


def to_string(value: Any) -> str:
    """Compute `string(x)`; raises `ExprError` for what has no text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _double_text(value)
        case str():
            return value
        case bytes():
            return _utf8(value)
        case datetime() | timedelta():
            return _time_text(value)
    raise no_overload("string()", value)


def _utf8(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ExprError("invalid-argument", "the bytes are not UTF-8") from None


def _double_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    shown = repr(value)
    return shown.removesuffix(".0")


def _time_text(value: datetime | timedelta) -> str:
    if isinstance(value, timedelta):
        micros = value // timedelta(microseconds=1)
        seconds, rest = divmod(abs(micros), 1_000_000)
        fraction = f".{rest:06d}".rstrip("0") if rest else ""
        return f"{'-' if micros < 0 else ''}{seconds}{fraction}s"
    moment = value.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + fraction + "Z"
