"""The canonical text of expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, ListExpr, Macro, MapExpr, Select
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.show import show

NAMES = st.sampled_from(["a", "input", "x1", "_y", "inner", "nullable"])
FIELDS = st.one_of(NAMES, st.sampled_from(["content-type", "in", "true", "a b", "if"]))
LEAVES = st.one_of(
    st.builds(Ident, NAMES),
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
    ).map(Const),
    st.text(st.characters(exclude_categories=["Cs"])).map(Const),
    st.binary().map(Const),
    st.integers(0, 2**64 - 1).map(lambda number: Const(number, uint=True)),
)
BINARY = st.sampled_from(["_+_", "_-_", "_*_", "_/_", "_%_", "_&&_", "_||_", "_==_", "_!=_", "_<_", "_>=_", "@in"])


def _minus(value: Expr) -> Expr:
    """Negate as the parser does: what is a positive number becomes a negative one."""
    number = value.value if isinstance(value, Const) and not value.uint else None
    if isinstance(number, bool) or not isinstance(number, int | float) or str(number).startswith("-"):
        return Call("-_", (value,))
    return Const(-number) if abs(number) < 2**62 else Call("-_", (Ident("a"),))


def _grow(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    some = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(
        st.builds(lambda name, a, b: Call(name, (a, b)), BINARY, parts, parts),
        st.builds(lambda a, b, c: Call("_?_:_", (a, b, c)), parts, parts, parts),
        parts.map(lambda part: Call("!_", (part,))),
        parts.map(_minus),
        st.builds(Select, parts, FIELDS, st.booleans()),
        st.builds(Index, parts, parts, st.booleans()),
        st.builds(lambda args: Call("f", args), some),
        st.builds(lambda target, args: Call("m", args, target), parts, some),
        st.builds(
            lambda items, marked: ListExpr(items, frozenset(range(len(items))) if marked else frozenset()),
            some,
            st.booleans(),
        ),
        st.lists(st.tuples(parts, parts), max_size=2).map(lambda entries: MapExpr(tuple(entries))),
        st.builds(lambda base, name: Macro("has", Select(base, name)), parts, FIELDS),
        st.builds(
            lambda kind, a, b: Macro(kind, a, ("v",), (b,)), st.sampled_from(["all", "exists", "map"]), parts, parts
        ),
        st.builds(lambda a, b, c: Macro("map", a, ("v",), (b, c)), parts, parts, parts),
        st.builds(
            lambda kind, a, b: Macro(kind, a, ("k", "v"), (b,)),
            st.sampled_from(["all", "exists_one", "transformList", "transformMap"]),
            parts,
            parts,
        ),
        st.builds(
            lambda a, k, v: Macro("transformMapEntry", a, ("k", "v"), (MapExpr(((k, v),)),)), parts, parts, parts
        ),
        st.builds(lambda a, b: Macro("cel.bind", a, ("v",), (b,)), parts, parts),
    )


@given(st.recursive(LEAVES, _grow, max_leaves=12))
def test_what_is_shown_reads_as_the_same(expr: Expr):
    """Parsing the text of any expression gives the expression again."""
    assert parse(show(expr), NOWHERE) == (expr, [])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a+b*c", "a + b * c"),
        ("(a+b)*c", "(a + b) * c"),
        ("(a*b)*c", "a * b * c"),
        ("a-(b-c)", "a - (b - c)"),
        ("(a?b:c)?d:(e?f:g)", "(a ? b : c) ? d : e ? f : g"),
        ("'say \"x\"'", '"say \\"x\\""'),
        ("!(a&&b)", "!(a && b)"),
        ("{a:1,'b':[2]}", '{a: 1, "b": [2]}'),
        ("(1).a", "(1).a"),
        ("0x10", "16"),
    ],
)
def test_canonical_text(text: str, canonical: str):
    """One text for each meaning: spaces, quotes and parentheses as few as keep it."""
    expr, _ = parse(text, NOWHERE)
    assert expr is not None
    assert show(expr) == canonical
