"""What calls of the table's functions print as: plain Python where types prove it equal, else named helpers."""

import pytest

from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.functions import LIBRARY, MACROS
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.typing import Env, check
from saltern_runtime.spec import ANY, BYTES, DOUBLE, INT, STRING, ListType, MapType, obj
from saltern_targets.python.expr import annotation
from tests.support.expressions import PyName, to_python
from tests.support.typed import typed

INPUT = obj(
    {"n": INT, "m": INT, "x": DOUBLE, "raw": BYTES, "text": STRING, "names": ListType(STRING), "counts": ListType(INT), "tags": MapType(STRING)}
)  # fmt: skip
NAMES = {"input": PyName("input", INPUT), "body": PyName("body", ANY)}
CASES = [
    ("math.greatest(input.n, input.m, 3)", "max(input.n, input.m, 3)"),
    ("math.greatest(input.n)", "input.n"),
    ("math.least(input.n, input.x)", "math_least(input.n, input.x)"),
    ("math.greatest(input.counts)", "math_greatest(input.counts)"),
    ("math.greatest(body)", "math_greatest(body)"),
    ("math.abs(input.x) + 1", "abs(input.x) + 1"),
    ("math.abs(input.n)", "math_abs(input.n)"),
    ("math.bitAnd(math.bitOr(input.n, 1), input.m)", "(input.n | 1) & input.m"),
    ("math.bitXor(math.bitAnd(input.n, 1), math.bitXor(input.m, 2))", "input.n & 1 ^ (input.m ^ 2)"),
    ("math.bitNot(input.n)", "~input.n"),
    ("math.bitAnd(input.n, 1) == 1", "(input.n & 1) == 1"),
    ("math.bitShiftLeft(input.n, 2)", "math_bit_shift_left(input.n, 2)"),
    ("math.isNaN(input.x)", "isnan(input.x)"),
    ("math.isFinite(body)", "isfinite(expect(body, float))"),
    ("math.round(input.n)", "math_round(input.n)"),
    ("math.sqrt(body)", "math_sqrt(body)"),
    ("input.names.all(i, name, i > 0 || name != '')", 'all(i > 0 or name != "" for i, name in enumerate(input.names))'),
    ("input.names.exists(i, name, name == input.text)", "any(name == input.text for name in input.names)"),
    ("input.tags.exists(k, v, v == input.text)", "any(v == input.text for v in input.tags.values())"),
    ("input.counts.all(i, n, n / i > 1)", "all_of_pairs(enumerate(input.counts), lambda i, n: div(n, i) > 1)"),
    ("input.counts.all(i, n, 7 / n > 1)", "all_of(input.counts, lambda n: div(7, n) > 1)"),
    ("body.exists_one(k, v, v == k)", "sum(1 for k, v in pairs(body) if equal(v, k)) == 1"),
    ("input.counts.transformList(i, n, n != 1, i)", "[i for i, n in enumerate(input.counts) if n != 1]"),
    ("input.names.transformList(i, name, name)", "list(input.names)"),
    ("input.tags.transformMap(k, v, v + k)", "{k: v + k for k, v in input.tags.items()}"),
    ("input.tags.transformMap(k, v, k != '', v)", '{k: v for k, v in input.tags.items() if k != ""}'),
    (
        "input.names.transformMapEntry(i, name, i > 1, {name: i})",
        "mapping(*((name, i) for i, name in enumerate(input.names) if i > 1))",
    ),
    ("input.names.sortBy(name, name.size())", "sorted(input.names, key=lambda name: len(name))"),
    ("input.counts.sortBy(n, 1.5 * n)", "list_sort_by(input.counts, lambda n: 1.5 * n)"),
    ("body.sortBy(x, x.price)", 'list_sort_by(body, lambda x: get(x, "price"))'),
    ("input.counts.sort()", "sorted(input.counts)"),
    ("[1.5].sort()", "list_sort([1.5])"),
    ("lists.range(input.n)", "lists_range(input.n)"),
    ("body.flatten(2)", "list_flatten(expect(body, list[Any]), 2)"),
    ("sets.contains(input.names, ['a'])", 'sets_contains(input.names, ["a"])'),
    ("regex.extract(input.text, '[0-9]+')", 'regex_extract(input.text, "[0-9]+")'),
    ("input.names.groupBy(name, name.trim())", "list_group_by(input.names, lambda name: trim(name))"),
    ("input.names.zip(input.counts).map(p, p.second)", '[p["second"] for p in list_zip(input.names, input.counts)]'),
    ("input.counts.avg()", "list_avg(input.counts)"),
    ("json.encode(input.tags)", "json_encode(input.tags)"),
    ("url.encode(string(body))", "url_encode(to_string(body))"),
    (
        "times.truncate(times.parse(input.text, '%Y-%m-%d'), 'month')",
        'times_truncate(times_parse(input.text, "%Y-%m-%d"), "month")',
    ),
    ("cel.bind(n, input.n + 1, n * n)", "bind(add(input.n, 1), lambda n: mul(n, n))"),
    ("cel.bind(add, input.n, add + 1)", "bind(input.n, lambda add_: add(add_, 1))"),
    ('"%d: %s".format([input.n, input.text])', 'format_text("%d: %s", [input.n, input.text])'),
    ("strings.quote(input.text)", "strings_quote(input.text)"),
    ("base64.encode(input.raw)", "base64_encode(input.raw)"),
    ("base64.decode(body)", "base64_decode(expect(body, str))"),
]


def printed(text: str, names=NAMES):
    """Print an expression that has no findings, with its type."""
    expr, problems = parse(text, NOWHERE)
    assert expr is not None
    typed, found = check(expr, Env({name: meant.type for name, meant in names.items()}))
    assert (problems, found) == ([], [])
    return to_python(expr, names), typed.type


@pytest.mark.parametrize(("text", "python"), CASES)
def test_printed(text: str, python: str):
    """A call is what Python has for it, or a helper of the runtime."""
    assert printed(text)[0].text == python


def test_a_variable_never_hides_a_helper():
    """A variable of a macro that is called like something in scope gets another name."""
    assert printed("[body].map(equal, equal == body)")[0].text == "[equal(equal_, body) for equal_ in [body]]"
    assert printed("[body].map(each, each)")[0].text == "[body]"
    assert printed("input.counts.map(isnan, math.isNaN(isnan))")[0].text == "[isnan(isnan_) for isnan_ in input.counts]"
    assert printed("input.counts.map(equal, equal + 1)")[0].text == "[add(equal, 1) for equal in input.counts]"


def test_types_agree_with_mypy(tmp_path):
    """The types that the table gives are those that mypy finds in the helpers: of all examples and cases."""
    codes = [
        printed(text) for text in (*(text for text, _ in CASES), *(row.example for row in (*LIBRARY, *MACROS.values())))
    ]
    helpers = sorted(frozenset().union(*(code.helpers for code, _ in codes)))
    given = [annotation(of) for _, of in codes]
    modules = frozenset[tuple[str, str]]().union(*(code.imports for code in (*(code for code, _ in codes), *given)))
    lines = [
        "from typing import Any",
        *(f"from {module} import {name}" for module, name in sorted(modules)),
        f"from saltern_runtime.expr import {', '.join(helpers)}",
        "class Input:",
        *(f"    {field.name}: {annotation(field.type).text}" for field in INPUT.fields),
    ]
    for place, ((code, _), of) in enumerate(zip(codes, given, strict=True)):
        lines += [f"def f{place}(input: Input, body: Any) -> {of.text}:", f"    return {code.text}"]
    module = tmp_path / "printed.py"
    module.write_text("\n".join(lines) + "\n", "utf-8")
    said, status = typed(module, cwd=tmp_path)
    assert (said.startswith("Success"), status) == (True, 0), said
