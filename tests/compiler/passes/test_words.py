"""A word where a text belongs is one finding, whose fix is the word in quotes."""

import pytest

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.driver import compile_source

HEAD = """pipeline words
input { url: string, kind: "bill" | "bug" }
output { kind: "bill" | "bug", note?: string }
connection model = openai { key: env("K") }
on api
"""
CALL = 'a = http.request { method: "PUT", url: input.url, body: 1 }\n'
TAIL = 'return { kind: "bill" }\n'


def found(text):
    return compile_source(HEAD + text, source_name="words.saltern").diagnostics


@pytest.mark.parametrize(
    ("text", "word", "fixed"),
    [
        ("a = http.request { method: POST, url: input.url }\n" + TAIL, "POST", '"POST"'),
        ("a = http.request { method: post, url: input.url }\n" + TAIL, "post", '"POST"'),
        ("a = http.request { method: PSOT, url: input.url }\n" + TAIL, "PSOT", '"POST"'),
        ("a = http.request { url: input.url, headers: { Accept: anything } }\n" + TAIL, "anything", '"anything"'),
        ("a = llm.chat(model) { prompt: hello }\n" + TAIL, "hello", '"hello"'),
        (CALL + "return { kind: bug }\n", "bug", '"bug"'),
        (CALL + 'return { kind: "bug", note: fine }\n', "fine", '"fine"'),
        ('a = approval { ask: "ok?", choices: [yes, "no"], deadline: 1d, default: "no" }\n' + TAIL, "yes", '"yes"'),
        ('on schedule { cron: daily, input: { url: "", kind: "bug" } }\n' + CALL + TAIL, "daily", '"daily"'),
        ('connection b = openai { key: env("K"), model: gpt }\nc = llm.chat(b) { prompt: "" + input.url }\n' + TAIL, "gpt", '"gpt"'),
    ],
)  # fmt: skip
def test_a_word_is_one_finding_with_its_fix(text, word, fixed):
    """In parameters, results, lists, settings of triggers and of connections; an enumeration's own word is offered."""
    errors = [each for each in found(text) if each.severity.value == "error" and f"`{word}`" in str(each)]
    assert [each.code for each in errors] == ["unquoted-text"], found(text)
    [fix] = errors[0].fixes
    assert [edit.text for edit in fix.edits] == [fixed]
    mended = apply_fixes(HEAD + text, errors).text
    assert mended == HEAD + text.replace(word, fixed, 1)
    assert "unquoted-text" not in [
        each.code for each in compile_source(mended, source_name="words.saltern").diagnostics
    ]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a = http.request { method: GET, url: ulr }\n" + TAIL, ["unquoted-text", "unquoted-text"]),
        ("a = http.request { url: ipnut }\n" + TAIL, ["unknown-name"]),
        ("a = http.request { url: url }\n" + TAIL, ["unknown-name"]),
        ("a = http.request { url: model }\n" + TAIL, ["unknown-name"]),
        ("a = http.request { method: input.kind, url: input.url }\n" + TAIL, ["not-a-literal", "type-mismatch"]),
        ("a = http.request { method: XYZ, url: input.url }\n" + TAIL, ["unquoted-text"]),
        (
            "a = wait { for: 1s }\nb = http.request { method: a, url: input.url }\n" + TAIL,
            ["not-a-literal", "type-mismatch"],
        ),
        ("a = llm.chat(model) { prompt: input.url, max_tokens: many }\n" + TAIL, ["unknown-name"]),
        ('secret s = env("S")\nconnection b = openai { key: s, model: s }\n' + TAIL, ["misplaced-secret"]),
        ("connection b = openai { key: zz }\n" + TAIL, ["unknown-secret"]),
    ],
)
def test_what_may_be_a_name_stays_one(text, codes):
    """A name that is near, a field of the input, a connection, a node, a secret: no text is offered for these."""
    assert [each.code for each in found(text) if each.severity.value == "error"] == codes
