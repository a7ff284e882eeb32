"""Formats, quotes and encodings, as expressions call them."""

from datetime import UTC, datetime, timedelta

import pytest

from saltern_runtime.expr import (
    ExprError,
    UInt,
    base64_decode,
    base64_encode,
    format_text,
    join,
    json_decode,
    json_encode,
    replace,
    strings_quote,
    url_encode,
)
from saltern_runtime.expr.bounds import MAX_TEXT
from saltern_runtime.models import Model


class Line(Model):
    sku: str
    price: int


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("%s", [Line(sku="tea", price=2)], "{price: 2, sku: tea}"),
        ("%s", [[None, 1.0, float("inf"), timedelta(minutes=1)]], "[null, 1, Infinity, 60s]"),
        ("%s", [datetime(2025, 1, 31, tzinfo=UTC)], "2025-01-31T00:00:00Z"),
        ("%x %X %b %o", [-30, b"\xff", True, UInt(8)], "-1e FF 1 10"),
        ("%.0f|%.2e|%f", [2.5, 12345, 1], "2|1.23e+04|1.000000"),
        ("100%% %s", ["{x}"], "100% {x}"),
        ("no clause", [1], "no clause"),
    ],
)
def test_formats(form, values, text):
    """Each clause takes the next value; models are maps, and nothing in a value is read as a clause."""
    assert format_text(form, values) == text


@pytest.mark.parametrize(
    ("form", "values", "code"),
    [
        ("%s %s", [1], "out-of-range"),
        ("%d", [1.5], "no-overload"),
        ("%d", ["1"], "no-overload"),
        ("%d", [True], "no-overload"),
        ("%x", [1.5], "no-overload"),
        ("%e", ["1"], "no-overload"),
        ("%b", ["1"], "no-overload"),
        ("%", [], "invalid-argument"),
        ("%q", [1], "invalid-argument"),
        ("%.2%", [], "invalid-argument"),
        ("%.1001f", [1.5], "invalid-argument"),
        ("%.99999999999999999999f", [1.5], "invalid-argument"),
    ],
)
def test_formats_that_are_refused(form, values, code):
    """A clause that is none, a value too few, a value of another kind, and digits without end are errors."""
    with pytest.raises(ExprError) as raised:
        format_text(form, values)
    assert raised.value.code == code


def test_quotes():
    """What cannot stand in double quotes is escaped, and half of a character replaced."""
    assert strings_quote('a"\\\n\x07é') == '"a\\"\\\\\\n\\aé"'
    assert strings_quote("\ud800") == '"\ufffd\ufffd\ufffd"'


def test_base64():
    """Octets come back as they were, with padding or without; other characters are refused."""
    assert base64_decode(base64_encode(b"\x00\xff")) == base64_decode("AP8") == b"\x00\xff"
    assert base64_decode("") == b""
    for text in ("a", "AP8?", "A P8", "é"):
        with pytest.raises(ExprError):
            base64_decode(text)


def test_json():
    """What JSON has comes back as it was; models are objects, times and octets texts."""
    value = {"a": [1, 2.5, None, True, 'é"{{ }}'], "b": {}}
    assert json_decode(json_encode(value)) == value
    assert json_encode({"at": timedelta(seconds=90), "raw": b"\xff"}) == '{"at":"90s","raw":"/w=="}'
    assert json_encode(Line(sku="tea", price=2)) == '{"sku":"tea","price":2}'


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: json_encode(float("nan")), "not-json"),
        (lambda: json_encode({1: 2}), "not-json"),
        (lambda: json_encode("é" * (MAX_TEXT - 1)), "too-large"),
        (lambda: json_decode("{"), "invalid-argument"),
        (lambda: json_decode("NaN"), "invalid-argument"),
        (lambda: json_decode("[" * 100_000), "invalid-argument"),
        (lambda: json_decode("9" * 100_000), "invalid-argument"),
        (lambda: url_encode("\ud800"), "invalid-argument"),
        (lambda: url_encode("é" * MAX_TEXT), "too-large"),
    ],
)
def test_json_and_urls_that_are_refused(call, code):
    """What JSON has not, what is no JSON, and what is too deep, long or large fails by name."""
    with pytest.raises(ExprError) as raised:
        call()
    assert raised.value.code == code


def test_urls():
    """One part of a URL stays one, whatever is in it."""
    assert url_encode("a/b?c=d&e é+") == "a%2Fb%3Fc%3Dd%26e%20%C3%A9%2B"
    assert url_encode("-._~aZ9") == "-._~aZ9"


def test_texts_without_end_are_refused():
    """A text that would get too large is refused before it is made."""
    large = "a" * (MAX_TEXT // 2)
    for make in (
        lambda: replace(large, "a", "aaa"),
        lambda: replace(large, "", "a", -1) + replace(large, "", large),
        lambda: join([large, large], "--"),
        lambda: format_text("%s%s-", [large, large]),
        lambda: strings_quote('"' * MAX_TEXT),
    ):
        with pytest.raises(ExprError) as raised:
            make()
        assert raised.value.code == "too-large"
    assert replace(large, "a", "b", 1).startswith("ba")
    assert len(replace(large, "a", "aa", 3)) == len(large) + 3
