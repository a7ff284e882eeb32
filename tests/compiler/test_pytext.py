"""The two doors through which user text enters Python."""

import ast

from hypothesis import given
from hypothesis import strategies as st

from saltern_compiler.pytext import RESERVED, class_name, escape, identifier, literal

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_a_literal_evaluates_to_its_value(value: object) -> None:
    """Whatever the text, the printed literal is that value and nothing else."""
    text = literal(value)
    assert ast.literal_eval(text) == value
    assert text.isprintable()


def test_infinity_is_written_as_a_call() -> None:
    """Python has no literal for infinity; what is printed gives it all the same."""
    assert literal([float("inf"), float("-inf")]) == '[float("inf"), float("-inf")]'


@given(st.text(alphabet="'\"\\{}\n\r\t\x00\u202e\u2066\ud800a"))
def test_escaped_text_stays_inside_its_quotes(value: str) -> None:
    """Quotes, backslashes, newlines, bidi controls, NUL and lone surrogates never leave the string."""
    assert ast.literal_eval(f'"{escape(value)}"') == value


@given(st.text(max_size=8), st.sets(st.text(alphabet="ab_2", min_size=1, max_size=3)))
def test_an_identifier_is_one_and_is_free(text: str, taken: set[str]) -> None:
    """Any text gives an ASCII identifier that is neither reserved nor taken."""
    name = identifier(text, taken)
    assert name.isidentifier()
    assert name.isascii()
    assert name not in taken | RESERVED


def test_identifiers_stay_as_they_are_where_they_can() -> None:
    """A plain name is kept; a keyword and a builtin get an underscore."""
    assert [identifier(n) for n in ("tell_billing", "class", "list", "9a", "a-b")] == [
        "tell_billing",
        "class_",
        "list_",
        "n9a",
        "a_b",
    ]
    assert class_name("tell_billing") == "TellBilling"
