"""CEL's own conformance data, through parse, infer, print and run."""

import json
import math
from pathlib import Path
from typing import Any, Final

import pytest

from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.typing import Env
from saltern_runtime.expr import ExprError, TypeName, UInt, type_of
from saltern_runtime.spec import ANY
from tests.support.expressions import PyName, evaluate, infer, to_python

FOLDER = Path(__file__).parent / "cel"
FILES: Final = (
    "basic", "bindings_ext", "comparisons", "encoders_ext", "fields", "integer_math", "logic", "macros", "macros2", "math_ext",
    "parse", "plumbing", "string", "string_ext", "timestamps",
)  # fmt: skip

_DOTS: Final = "names have no dots: a pipeline has no containers"
_MICROS: Final = "Python's times have microseconds, not nanoseconds"
_SPAN: Final = "durations reach over 10,000 years, not over int64 nanoseconds"
_WHOLE: Final = "a whole number is a double where one is wanted: JSON has 1 for 1.0"
_KEYS: Final = "1 and true are one key of a dict"
NOT_SUPPORTED: Final = (
    ("fields", "qualified_identifier_resolution", "qualified_ident", _DOTS),
    ("fields", "qualified_identifier_resolution", "map_field_select", _DOTS),
    ("fields", "qualified_identifier_resolution", "list_field_select", _DOTS),
    ("fields", "qualified_identifier_resolution", "ident_with_longest", _DOTS),
    ("timestamps", "timestamp_conversions", "toString_timestamp_nanos", _MICROS),
    ("timestamps", "timestamp_arithmetic", "add_time_to_duration_nanos", _MICROS),
    ("timestamps", "timestamp_range", "add_duration_nanos", _MICROS),
    ("timestamps", "timestamp_range", "sub_time_duration", _SPAN),
    ("string_ext", "format", "map support (all key types)", _KEYS),
    ("math_ext", "ceil", "dyn_error", _WHOLE),
    ("math_ext", "floor", "dyn_error", _WHOLE),
    ("math_ext", "trunc", "dyn_error", _WHOLE),
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
    return evaluate(to_python(expr, names), {f"v_{name}": bound for name, bound in bindings.items()})


def same(a: Any, b: Any) -> bool:
    if type_of(a) != type_of(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(each, b[key]) for key, each in a.items())
    return bool(a == b) or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def counts() -> str:
    """Write how many tests each file has, and how many of them pass."""
    rows = [f"| {'file':12} | {'tests':5} | {'pass':5} |", f"| {'-' * 12} | {'-' * 5} | {'-' * 5} |"]
    total = passed = 0
    for name in FILES:
        tests = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["tests"]
        fine = sum(not reason(name, test) for test in tests)
        rows.append(f"| {name:12} | {len(tests):5} | {fine:5} |")
        total, passed = total + len(tests), passed + fine
    return "\n".join([*rows, f"| {'all':12} | {total:5} | {passed:5} |"])


def test_the_table_counts_what_passes():
    """The page beside the data says how much of it passes."""
    assert counts() in (FOLDER / "README.md").read_text("utf-8")


def test_what_stands_out_is_there():
    """No reason is left behind when its test goes or passes under another name."""
    for file, section, start, _ in NOT_SUPPORTED:
        tests = json.loads((FOLDER / f"{file}.json").read_text("utf-8"))["tests"]
        assert any(test["section"] == section and test["name"].startswith(start) for test in tests)


@pytest.mark.parametrize("test", cases())
def test_conformance(test: dict[str, Any]):
    """An expression has the value that CEL's suite gives, or is refused or raises where it gives an error."""
    if "error" in test:
        with pytest.raises((RefusedError, ExprError)):
            run(test)
    else:
        assert same(run(test), value(test["value"]))
