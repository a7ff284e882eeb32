"""Every function, method, macro and operator of expressions passes labels on."""

import pytest

from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.ast import Call, Const, Ident, Index, Macro, MapExpr
from saltern_compiler.expr.functions import LIBRARY, MACROS
from saltern_compiler.expr.parse import parse
from saltern_compiler.passes.analyses.carried import Reader
from saltern_compiler.passes.analyses.labels import NONE, Source, Way, everything, whole

SOURCE = Source("secret", "x", NOWHERE)
MARKED = whole({SOURCE: Way(SOURCE)})


def _carries(expr):
    reader = Reader(lambda name: MARKED if name == "x" else NONE, lambda *_: None)
    return SOURCE in everything(reader.expr(expr))


ROWS = [row for row in LIBRARY if row.name != "declassify"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{'.' if row.method else ''}{row.name}")
def test_a_function_carries_what_each_of_its_values_does(row) -> None:
    """Whichever value is marked, what it gives is; but where one chooses an item, a length or a place tells nothing of the items."""
    for overload in row.overloads:
        for marked in range(len(overload.takes)):
            values = tuple(Ident("x") if place == marked else Const("") for place in range(len(overload.takes)))
            call = Call(row.name, values[1:], values[0]) if row.method else Call(row.name, values)
            assert _carries(call), (row.name, marked)


@pytest.mark.parametrize(
    "name", ["_+_", "_-_", "_*_", "_/_", "_%_", "_&&_", "_||_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"]
)
def test_an_operator_carries_what_both_sides_do(name) -> None:
    """Comparisons too."""
    assert _carries(Call(name, (Ident("x"), Const(1))))
    assert _carries(Call(name, (Const(1), Ident("x"))))


@pytest.mark.parametrize("row", MACROS.values(), ids=lambda row: row.name)
def test_a_macro_carries_what_it_goes_through_and_what_its_steps_read(row) -> None:
    """The list that is gone through, and each step, a condition as well."""
    for names, steps in row.shapes or ((1, 1),):
        variables = ("a", "b")[:names]
        plain = [MapExpr(((Const("k"), Const(1)),))] * steps if row.name == "transformMapEntry" else [Const(1)] * steps
        assert _carries(Macro(row.name, Ident("x"), variables, (*plain[:-1], Ident(variables[-1]))))
        for place in range(steps):
            marked = [Ident("x") if at == place else each for at, each in enumerate(plain)]
            assert _carries(Macro(row.name, Ident("y"), variables, tuple(marked))), (row.name, place)


@pytest.mark.parametrize(
    ("text", "carries"),
    [
        ("{'a': x, 'b': 1}.a", True),
        ("{'a': x, 'b': 1}.b", False),
        ("{'a': x, 'b': 1}[y]", True),
        ("{(y): x}.b", True),
        ("{(x): y}.b", True),
        ("[1, x][0]", True),
        ("[{'a': x, 'b': 1}].map(i, i.b)", False),
        ("[{'a': x, 'b': 1}].map(i, i.a)", True),
        ("[{'a': x, 'b': 1}].filter(i, i.b > 0).map(i, i.b)", False),
        ("[{'a': x, 'b': 1}].filter(i, i.a > 0).map(i, i.b)", True),
        ("[{'a': x, 'b': 1}].sort()[0].b", False),
        ("[{'a': x, 'b': 1}].first().b", False),
        ("[x].map(x, 1)", False),
        ("[1].map(x, x)", False),
        ("cel.bind(x, 1, x)", False),
        ("cel.bind(z, {'a': x}, z.b)", False),
        ("merge({'a': x}, {'b': 1}).b", False),
        ("y ? {'a': x} : {'a': 1}", True),
        ("x ? 1 : 2", True),
        ("{'a': x}.?b.orValue(1)", False),
        ("declassify(x, 'why')", False),
        ("declassify(x, 'why') + x", True),
        ("declassify({'a': x}, 'why').a", False),
        ("has(x.a)", True),
        ("[[x]].flatten()[0]", True),
        ("json.decode(json.encode({'a': x})).b", True),
    ],
)
def test_parts_are_told_apart(text, carries) -> None:
    """Fields, items and variables carry what is theirs."""
    expr, findings = parse(text, NOWHERE)
    assert not findings
    assert _carries(expr) is carries


def test_an_index_tells_of_itself() -> None:
    """Which item it was is known by the item."""
    assert _carries(Index(Ident("y"), Ident("x")))
