"""The base of every model in generated code and of the results of node types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")


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
