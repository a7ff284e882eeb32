"""The base of every model in generated code and of the results of node types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictFloat,
    TypeAdapter,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from saltern_runtime.integers import INT_MAX, INT_MIN

T = TypeVar("T")


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Int64:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        of_64_bits = core_schema.int_schema(strict=True, ge=INT_MIN, le=INT_MAX)
        return core_schema.no_info_before_validator_function(_whole, of_64_bits)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # Bounds that are powers of two: readers that know only doubles, OpenAPI's models among them, round no other
        return {"type": "integer", "minimum": INT_MIN, "exclusiveMaximum": INT_MAX + 1, "format": "int64"}


Int: TypeAlias = Annotated[int, _Int64()]
"""What JSON Schema calls an integer (1.0 too), of 64 bits: no text and no boolean."""
Bool: TypeAlias = StrictBool
"""true or false: no text and no number."""
Double: TypeAlias = StrictFloat
"""A number: no text and no boolean."""


class _Exact:
    """Keeps booleans and numbers apart, which Python takes for equal."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members = get_args(source)

        def check(value: Any) -> Any:
            for member in members:
                if value == member and isinstance(value, bool) == isinstance(member, bool):
                    return member
            raise ValueError(f"it is none of: {', '.join(map(repr, members))}")

        return core_schema.no_info_before_validator_function(check, handler(source))


Exact: TypeAlias = Annotated[T, _Exact()]
"""For a `Literal` with ints or booleans among its values."""


class _NotNull:
    """Takes null out of what validates, so that only absence gives the default None."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


Maybe: TypeAlias = Annotated[T | None, _NotNull()]
"""For a field `name?: T` that may be absent but not null: `name: Maybe[T] = None`. Where T admits null: `name: T | None = None`."""


class Model(BaseModel):
    """A frozen value that is checked when made; its aliases are the names in JSON.

    An optional field that was not given stays absent: `name in value.model_fields_set` tells absence from null, reading the
    field gives None, and a dump leaves it out. Open objects set `model_config = ConfigDict(extra="ignore")`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=())

    def to_json(self) -> dict[str, Any]:
        """Return the value as plain JSON: aliases as keys, absent fields left out, all the way down."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say nothing of the default None: it stands for absence, which `required` tells already."""
        written = handler(schema)
        for member in handler.resolve_ref_schema(written).get("properties", {}).values():
            if member.get("default", ...) is None:
                del member["default"]
        return written


_ANY: Final[TypeAdapter[Any]] = TypeAdapter(Any, config=ConfigDict(ser_json_bytes="base64", ser_json_inf_nan="strings"))


def plain(value: Any, fallback: Callable[[Any], Any] = str) -> Any:
    """Turn any value of a pipeline into plain JSON: models as `Model.to_json`, times as ISO 8601, bytes as base64, decimals as text.

    `fallback` says what anything else is.
    """
    return _ANY.dump_python(value, mode="json", by_alias=True, exclude_unset=True, fallback=fallback)
