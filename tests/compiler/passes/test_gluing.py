"""The fix of a text that is glued together is the template that says the same."""

import pytest

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.driver import compile_source

HEAD = """pipeline glued
input { q: string, n: int, m: map<string>, l: list<string> }
connection site = http { base_url: "https://site.example" }
connection team = slack { token: env("TOKEN") }
on api
"""


def url(written):
    """Write a pipeline that asks for a URL."""
    unused = 'b = slack.post_message(team) { channel: "#a", text: input.q }\n'
    return f"{HEAD}a = http.request(site) {{ url: {written} }}\n{unused}return [string(a.status), b.ts]\n"


def message(written):
    """Write a pipeline that sends a message."""
    unused = 'b = http.request(site) { url: "/" }\n'
    return f'{HEAD}a = slack.post_message(team) {{ channel: "#a", text: {written} }}\n{unused}return [a.ts, string(b.status)]\n'


def found(text):
    return compile_source(text, source_name="glued.saltern").diagnostics


@pytest.mark.parametrize(
    ("written", "template"),
    [
        ('"/s?q=" + input.q', "`/s?q={{ input.q }}`"),
        ('("/s?q=" + input.q)', "`/s?q={{ input.q }}`"),
        ('(("/s" + "?q=") + (input.q + input.q))', "`/s?q={{ input.q }}{{ input.q }}`"),
        ('"/s?q=" + input.q + "&n=" + string(input.n)', "`/s?q={{ input.q }}&n={{ string(input.n) }}`"),
        ('"/s?q=" + url.encode(input.q) + "&r=" + input.q', "`/s?q={{ input.q }}&r={{ input.q }}`"),
        ('url.encode(input.q) + "/" + input.q', "`{{ url.encode(input.q) }}/{{ input.q }}`"),
        ('"" + url.encode(input.q) + "/" + input.q', "`{{ url.encode(input.q) }}/{{ input.q }}`"),
        ('"{" + "{" + input.q + "\\n\\x00`"', "`\n  \\{\\{{{ input.q }}\n  \\u0000\\`\n`"),
        ('"/" + {(input.q): input.q}[input.q]', "`/{{ { (input.q): input.q }[input.q] }}`"),
        ('"/" + input.m["`"] + input.l.join("}}")', '`/{{ input.m["`"] }}{{ input.l.join("}}") }}`'),
    ],
)
def test_the_fix_is_the_template(written, template):
    """In place of the value, whatever stands in it and around it; what was escaped by hand is not escaped twice."""
    text = url(written)
    [warning] = found(text)
    assert warning.code == "glued-text"
    fixed = apply_fixes(text, [warning]).text
    assert fixed == url(template)
    assert found(fixed) == ()


def test_a_message_that_is_escaped_by_hand_would_be_so_twice():
    """All of what is glued together is escaped, so the template leaves out what escapes."""
    text = message('"*" + slack.escape(input.q) + "*"')
    [warning] = found(text)
    assert apply_fixes(text, [warning]).text == message("`*{{ input.q }}*`")


@pytest.mark.parametrize("written", ['"/s?q=" + url.encode(input.q)', '"/s" + "?q=1"', "input.q + input.q"])
def test_a_url_in_which_a_template_would_change_nothing_may_be_glued(written):
    """Its values are escaped by hand, or there is no text that could tell them apart."""
    assert found(url(written)) == ()


def test_an_escape_of_nothing_is_told_alone():
    """What is glued together is judged beside other mistakes too."""
    assert {each.code for each in found(url('"/" + url.encode() + input.q'))} == {"ill-typed-expression", "glued-text"}
