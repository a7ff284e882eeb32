"""Fixes, applied."""

from __future__ import annotations

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.frontend.locate import Locator


def _fix(*edits: tuple[int, int, str]) -> Diagnostic:
    made = tuple(Edit(Origin(None, start, end), text) for start, end, text in edits)
    return Diagnostic("cycle", "m", fixes=(Fix("t", made),))


def test_several_fixes() -> None:
    """Fixes of different places are applied together, whatever their order."""
    fixed = apply_fixes("one two three", [_fix((8, 13, "3")), _fix((0, 3, "1"))])
    assert fixed.text == "1 two 3"
    assert len(fixed.fixes) == 2


def test_overlapping_fixes() -> None:
    """Of two fixes that touch the same text, the first is applied."""
    fixed = apply_fixes("one two", [_fix((0, 5, "x")), _fix((4, 7, "y"))])
    assert fixed.text == "xwo"
    assert len(fixed.fixes) == 1


def test_same_insertion() -> None:
    """Two insertions at one place are not both applied."""
    assert apply_fixes("ab", [_fix((1, 1, ",")), _fix((1, 1, ","))]).text == "a,b"


def test_insertion_beside_a_change() -> None:
    """An insertion where a change begins or ends is applied with it."""
    assert apply_fixes("ab", [_fix((0, 1, "x")), _fix((1, 1, ","))]).text == "x,b"


def test_whole_or_not_at_all() -> None:
    """A fix of which one edit clashes is left out whole."""
    fixed = apply_fixes("one two", [_fix((0, 3, "1")), _fix((1, 2, "x"), (4, 7, "2"))])
    assert fixed.text == "1 two"


def test_edit_without_a_place() -> None:
    """A fix whose place cannot be found is left out."""
    assert apply_fixes("a", [Diagnostic("cycle", "m", fixes=(Fix("t", (Edit(Origin("/a"), "b"),)),))]).text == "a"


def test_first_fix_counts() -> None:
    """Of a finding's fixes the first is meant."""
    one, other = _fix((0, 1, "x")).fixes[0], _fix((0, 1, "y")).fixes[0]
    assert apply_fixes("a", [Diagnostic("cycle", "m", fixes=(one, other))]).text == "x"


def test_documents() -> None:
    """In an editor document the value at the pointer is replaced."""
    text = '{"nodes": [{"id": "a"}]}'
    found = Diagnostic("cycle", "m", fixes=(Fix("t", (Edit(Origin("/nodes/0/id"), '"b"'),)),))
    assert apply_fixes(text, [found], Locator(text, "g.json")).text == '{"nodes": [{"id": "b"}]}'
