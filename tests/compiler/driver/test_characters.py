"""What a character is does not depend on the Unicode database of the Python that compiles."""

import pytest

from saltern_compiler.driver import compile_source

THREE = "\N{ARABIC-INDIC DIGIT THREE}"
WAIT = "schemaVersion: 1\nname: p\nnodes: [{id: a, type: wait, data: {params: {%s}}}]\n"
TEXTS = [
    (f"pipeline p\nreturn {THREE}\n", "p.saltern", ("syntax-error", f"unexpected `{THREE}`")),
    (f"pipeline p\nreturn 1.{THREE}\n", "p.saltern", ("syntax-error", f"unexpected `{THREE}`")),
    (f"pipeline p\npause = wait {{ for: {THREE}s }}\n", "p.saltern", ("syntax-error", f"unexpected `{THREE}`")),
    (WAIT % f"until: 202{THREE}-01-01T00:00:00Z", "p.yaml", ("ill-typed-parameter", "")),
    (WAIT % f"for: PT{THREE}S", "p.yaml", ("ill-typed-parameter", "")),
    (
        f"schemaVersion: {THREE}\nname: p\nnodes: []\n",
        "p.yaml",
        ("ill-typed-key", "`schemaVersion` of the document must be 1"),
    ),
    (f'{{"schemaVersion": {THREE}, "name": "p", "nodes": []}}', "p.json", ("syntax-error", "")),
]


@pytest.mark.parametrize(("text", "name", "expected"), TEXTS)
def test_digits_are_those_of_ascii(text, name, expected):
    """Numbers, durations and times of every notation; another script's digits are text like any other."""
    first = compile_source(text, source_name=name).diagnostics[0]
    assert first.code == expected[0]
    assert expected[1] in first.message
