"""What the compiler and the runtime both read: types, node types, connectors, policies. Pydantic and the standard library alone."""

from saltern_runtime.spec.codes import Code, Severity
from saltern_runtime.spec.node import ConnectorSpec, Effect, Emit, NodeType
from saltern_runtime.spec.param import Bound, Param, Problem
from saltern_runtime.spec.policy import DEFAULT_POLICY, Policy, Retry
from saltern_runtime.spec.region import Binding, OnError, OnSkip, RegionSpec, chosen
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
    "ANY", "BOOL", "BYTES", "DEFAULT_POLICY", "DOUBLE", "DURATION", "INT", "NULL", "STRING", "TIMESTAMP", "Binding",
    "Bound", "Code", "ConnectorSpec", "Effect", "Emit", "Field", "Json", "ListType", "LiteralType", "MapType", "NodeType",
    "ObjectType", "OnError", "OnSkip", "Param", "Policy", "Primitive", "Problem", "RegionSpec", "Retry", "SchemaError",
    "Severity",
    "Type", "UnionType", "chosen", "from_schema", "obj", "optional", "show", "to_schema", "union",
]  # fmt: skip
