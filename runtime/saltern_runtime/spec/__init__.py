"""What the compiler and the runtime both read: types, node types, connectors, policies. Pydantic and the standard library alone."""

from saltern_runtime.spec.node import Bound, ConnectorSpec, Effect, Emit, NodeType, Param, Problem
from saltern_runtime.spec.policy import DEFAULT_POLICY, Policy, Retry
from saltern_runtime.spec.schema import SchemaError, from_schema, to_schema
from saltern_runtime.spec.types import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Field,
    Json,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
    obj,
    optional,
    show,
    union,
)

__all__ = [
    "ANY", "BOOL", "BYTES", "DEFAULT_POLICY", "DOUBLE", "DURATION", "INT", "NULL", "STRING", "TIMESTAMP", "Bound",
    "ConnectorSpec", "Effect", "Emit", "Field", "Json", "ListType", "LiteralType", "MapType", "NodeType", "ObjectType", "Param",
    "Policy", "Primitive", "Problem", "Retry", "SchemaError", "Type", "UnionType", "from_schema", "obj", "optional", "show",
    "to_schema", "union",
]  # fmt: skip
