"""CEL's own conformance data, through parse, infer, print and run."""

import json
import math
from pathlib import Path
from typing import Any, Final

import pytest

import saltern_runtime.expr as helpers
from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.typing import Env
from saltern_runtime.expr import ExprError, TypeName, UInt, type_of
from saltern_runtime.spec import ANY
from tests.support.expressions import PyName, infer, to_python

FOLDER = Path(__file__).parent / "cel"
FILES: Final = (
    "basic", "comparisons", "fields", "integer_math", "logic", "macros", "parse", "plumbing", "string", "string_ext", "timestamps",
)  # fmt: skip

_DOTS: Final = "names have no dots: a pipeline has no containers"
_MICROS: Final = "Python's times have microseconds, not nanoseconds"
_SPAN: Final = "durations reach over 10,000 years, not over int64 nanoseconds"
_FORMAT: Final = "strings.quote and format are not there yet: templates do their work"
NOT_SUPPORTED: Final = (
    ("fields", "qualified_identifier_resolution", "qualified_ident", _DOTS),
    ("fields", "qualified_identifier_resolution", "map_field_select", _DOTS),
    ("fields", "qualified_identifier_resolution", "list_field_select", _DOTS),
    ("fields", "qualified_identifier_resolution", "ident_with_longest", _DOTS),
    ("timestamps", "timestamp_conversions", "toString_timestamp_nanos", _MICROS),
    ("timestamps", "timestamp_arithmetic", "add_time_to_duration_nanos", _MICROS),
    ("timestamps", "timestamp_range", "add_duration_nanos", _MICROS),
    ("timestamps", "timestamp_range", "sub_time_duration", _SPAN),
    ("string_ext", "quote", "", _FORMAT),
    ("string_ext", "format", "", _FORMAT),
    ("string_ext", "format_errors", "", _FORMAT),
)
"""(file, section, start of the name, reason). Left out as a whole file: optionals, since `.?` gives the value or null here."""


def value(tagged: dict[str, Any]) -> Any:
    ((kind, raw),) = tagged.items()
    match kind:
        case "int":
            return int(raw)
        case "uint":
            return UInt(raw)
        case "double":
            return float(raw)
        case "bytes_hex":
            return bytes.fromhex(raw)
        case "type":
            return TypeName(raw)
        case "list":
            return [value(each) for each in raw]
        case "map":
            return {value(key): value(each) for key, each in raw}
        case _:
            return raw


def cases() -> list[Any]:
    found = []
    for name in FILES:
        for test in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["tests"]:
            if not reason(name, test):
                found.append(pytest.param(test, id=f"{name}/{test['section']}/{test['name']}"))
    return found


def reason(file: str, test: dict[str, Any]) -> str:
    for in_file, section, start, why in NOT_SUPPORTED:
        if (file, test["section"]) == (in_file, section) and test["name"].startswith(start):
            return why
    return ""


class RefusedError(Exception):
    """The compiler found something wrong."""


def run(test: dict[str, Any]) -> Any:
    expr, problems = parse(test["expr"], NOWHERE)
    if expr is None or problems:
        raise RefusedError(problems)
    bindings = {name: value(bound) for name, bound in test.get("bindings", {}).items()}
    names = {name: PyName(f"v_{name}", ANY) for name in bindings}
    found = infer(expr, Env(dict.fromkeys(names, ANY)), NOWHERE)[1]
    if found and not test.get("disable_check"):
        raise RefusedError(found)
    code = to_python(expr, names)
    space = {name: getattr(helpers, name) for name in code.helpers}
    return eval(code.text, {**space, **{f"v_{name}": bound for name, bound in bindings.items()}})


def same(a: Any, b: Any) -> bool:
    if type_of(a) != type_of(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(each, b[key]) for key, each in a.items())
    return bool(a == b) or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("test", cases())
def test_conformance(test: dict[str, Any]):
    """An expression has the value that CEL's suite gives, or is refused or raises where it gives an error."""
    if "error" in test:
        with pytest.raises((RefusedError, ExprError)):
            run(test)
    else:
        assert same(run(test), value(test["value"]))
