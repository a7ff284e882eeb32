"""Regular expressions, as expressions call them."""

import pytest

from saltern_runtime.expr import ExprError, bounds, matches, regex_extract, regex_extract_all, regex_replace
from saltern_runtime.expr.bounds import MAX_TEXT


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (matches("ticket 7", "[0-9]$"), True),
        (matches("é", "^.$"), True),
        (matches("٣", r"^\d$"), False),
        (regex_extract("hello world", "w[a-z]+"), "world"),
        (regex_extract("item-A, item-B", r"item-(\w+)"), "A"),
        (regex_extract("HELLO", "hello"), None),
        (regex_extract("b", "(a)?b"), None),
        (regex_extract("ab", "(?:a)(b)"), "b"),
        (regex_extract_all("id:123, id:456", r"id:\d+"), ["id:123", "id:456"]),
        (regex_extract_all("key=a, key=b", r"key=(\w)"), ["a", "b"]),
        (regex_extract_all("b ab", "(a)?b"), ["a"]),
        (regex_extract_all("x", "y"), []),
        (regex_replace("banana", "a", "x"), "bxnxnx"),
        (regex_replace("banana", "a", "x", 1), "bxnana"),
        (regex_replace("banana", "a", "x", 0), "banana"),
        (regex_replace("banana", "(.)an", r"<\1\0\\>"), "<bban\\>ana"),
        (regex_replace("ab", "(a)|b", r"[\1]"), "[a][]"),
        (regex_replace("äb", "", "-"), "-ä-b-"),
        (regex_replace("a{b}", "[{}]", "{x}"), "a{x}b{x}"),
    ],
)
def test_what_they_give(made, value):
    """Matches are of characters; one group, where there is one, is what is extracted."""
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: matches("a", "("), "invalid-argument"),
        (lambda: matches("a", "(?=a)"), "invalid-argument"),
        (lambda: matches("a", "\ud800"), "invalid-argument"),
        (lambda: matches("\ud800", "a"), "invalid-argument"),
        (lambda: regex_extract("a", "(a)(b)"), "invalid-argument"),
        (lambda: regex_extract_all("a", "(a)(b)"), "invalid-argument"),
        (lambda: regex_replace("a", "a", r"\1"), "invalid-argument"),
        (lambda: regex_replace("a", "a", "\\"), "invalid-argument"),
        (lambda: regex_replace("a", "a", r"\n"), "invalid-argument"),
        (lambda: regex_replace("a" * 1000, "a", "b" * (MAX_TEXT // 999)), "too-large"),
    ],
)
def test_what_they_refuse(call, code):
    """Whatever has no value fails by name, halves of characters too."""
    with pytest.raises(ExprError) as caught:
        call()
    assert caught.value.code == code


def test_a_list_has_an_end(monkeypatch):
    """More matches than a list may have items are refused, not collected."""
    monkeypatch.setattr(bounds, "MAX_ITEMS", 1000)
    assert len(regex_extract_all("a" * 1000, "a")) == 1000
    with pytest.raises(ExprError) as caught:
        regex_extract_all("a" * 1001, "a")
    assert caught.value.code == "too-large"


def test_time_grows_with_the_text_alone():
    """A pattern that a backtracking engine would try for longer than anyone lives ends at once."""
    assert not matches("a" * 5000 + "!", "^(a+)+$")
    assert regex_extract("x" * 5000, "(?:x+x+)+y") is None
