"""Broken text: clear findings with places, several at once, never an exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.places import Source
from saltern_compiler.frontend.language import reader

EXAMPLES = Path(__file__).parents[3] / "examples"
SAMPLE = (EXAMPLES / "support_triage" / "support_triage.saltern").read_text("utf-8")


def _findings(text: str) -> list[Diagnostic]:
    return reader.read("pipeline p\n" + text)[1]


def _one(text: str) -> Diagnostic:
    found = _findings(text)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("text", "message", "note"),
    [
        ("a = set { value: }", "unexpected `}`", "Expected a value."),
        ("a = set { value: 1 + }", "unexpected `}`", "Expected a value."),
        ("a = set { value: [1, 2 }", "a `[` is not closed", None),
        (
            "a = set { value = 1 }",
            "unexpected `=`",
            "Values are compared with `==`, parameters are written `name: value`.",
        ),
        ("a = set { value: -1h }", "`-1h` is no length of time", "Lengths of time have no sign: `1h`."),
        (
            "budget { time: - 1h30m, bytes: 3 }",
            "`-1h30m` is no length of time",
            "Lengths of time have no sign: `1h30m`.",
        ),
        (
            "budget {\n  time: -1.5h\n  bytes: 3\n}",
            "`-1.5h` is no length of time",
            "Lengths of time have no sign: `1.5h`.",
        ),
        ('budget { calls: { "a": 1, "a": 2 } }', "the key `a` stands here twice", None),
        ('on webhook "/a" { respond: 1s, respond: 2s }', "the key `respond` stands here twice", None),
        ('on webhook "/a" { path: "/b" }', "the key `path` stands here twice", None),
        ("a = set { value: 1; }", "unexpected `;`", "Statements and entries end with their line."),
        ("a = input.x + 1", "unexpected `+`", "A value alone is no node: write `a = set { value: … }`."),
        ("a = 1", "unexpected `1`", "A value alone is no node: write `a = set { value: … }`."),
        ('a = "x"', 'unexpected `"x"`', "A value alone is no node: write `a = set { value: … }`."),
        (
            "a = set\nb = set { value: 1 }",
            "the statement ends too early",
            "The parameters of a node stand in braces, `{}` if there are none.",
        ),
        ('a = switch x { "y" -> {} }', "unexpected `-`", 'A case is written `"literal" => { … }`.'),
        ("a = switch x { y => {} }", "unexpected `y`", "Expected a case or `}`."),
        ("a = set { value: x && y & z }", "unexpected `&`", "Write `&&`."),
        ("a = foreach x in y, at most 2, at most 3 { yield x }", "`at most` stands here twice", None),
        (
            "a = foreach x in y, on limit stop { yield x }",
            "a `foreach` has no `on limit`",
            "Only a `while` comes to a limit.",
        ),
        (
            "a = while s = 1, s < 3, at most 2, on error stop { next s }",
            "a `while` has no `on error`",
            "Behind the body, `on error { … }` says what runs where it has failed.",
        ),
        (
            "a = http.request {} on error { }",
            "an `on error` with nothing in it catches nothing",
            "Name the failure, `on error e {}`, and the run goes on.",
        ),
        ("a = set { value: 1e999 }", "the number does not fit a double", "The largest double is about 1.8e308."),
        ("a = set { value: [-1e400] }", "the number does not fit a double", "The largest double is about 1.8e308."),
        ("// note", "unexpected `/`", "A comment begins with `#`."),
        ("input { a int }", "unexpected `int`", "Expected `:` or `?`."),
        ("input { a: }", "unexpected `}`", "Expected a type."),
        ("a", "the text ends too early", "Expected `=`."),
        ("return", "the text ends too early", "Expected a value."),
        ("@retry(3)", "the text ends too early", None),
        ("a = set { value: x } join some", "unexpected `some`", "Expected `=`."),
        ("a = set join some { value: x }", "unexpected `some`", "Write `join any` or `join all`."),
        ("a = set { (x): 1 }", "a parameter has no plain name", "Parameters are written `name: value`."),
        ("é = set { value: 1 }", "unexpected `é`", "Expected a section or a statement."),
        ("description `{{ x }}`", "the description is not a plain text", "It takes no `{{ … }}`."),
    ],
)
def test_message(text: str, message: str, note: str | None) -> None:
    """A finding says what stands there, and what may, in the words of the language."""
    found = _one(text)
    assert found.message == message
    if note is not None:
        assert found.notes == (note,)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = set { value: }", (2, 18)),
        ("a = set {\n  value: 1\n", (2, 9)),
        ("a = set {\n  value: 1\nb = set { value: 2 }\n", (2, 9)),
        ("a = set { value: 1 }\n}\n", (3, 1)),
        ('a = set { value: "b }\n', (2, 18)),
        ("a = set { value: `b }\nc = set { value: 1 }\n", (2, 18)),
        ("a = set { value: `b }\nc = set { value: `d` }\n", (2, 18)),
        ("a = set { value: `{{ b }`\n}", (2, 18)),
        ("a = set { value: `{{ b + }}` }", (2, 25)),
        ("a = set { value: 1 }\nb = set { value: ) }", (3, 18)),
    ],
)
def test_place(text: str, place: tuple[int, int]) -> None:
    """A finding stands where the mistake is, not where its consequences begin."""
    found = _one(text)
    span = Source("pipeline p\n" + text).span(found.origin)
    assert span is not None
    assert (span.first.line, span.first.column) == place


@pytest.mark.parametrize(
    "text",
    [
        "a = foreach x in [1] { yield x } compensate { b = set { value: 1 } }",
        "a = while s = 1, s < 3, at most 2 { next s }\ncompensate {\n  b = set { value: 1 }\n}",
        "a = try { yield 1 } catch e { yield 2 } compensate {}",
        "a = parallel { one => { yield 1 } } compensate {}",
        "a = if true {} else {} compensate {}",
        "a = switch 1 {\n  1 => {}\n} compensate {\n  b = set { value: 1 }\n}",
        "a = set { value: 1 } on error e {} compensate {}",
        "return 1 compensate {}",
    ],
)
def test_compensate_behind_what_does_not_call_out(text: str) -> None:
    """What is taken back is what one node did: behind anything else the word itself is the mistake."""
    found = _one(text)
    assert (found.code, found.message) == ("misplaced-compensate", "only a node that calls out is compensated")
    assert ("pipeline p\n" + text)[found.origin.start : found.origin.end] == "compensate"


@pytest.mark.parametrize("text", ["return my_compensate {}", "a = set { value: 1 }\n# what to compensate\n{}"])
def test_what_only_ends_like_the_word_is_none(text: str) -> None:
    """A longer name and a comment say nothing of what is taken back."""
    assert [(each.code, each.message) for each in _findings(text)] == [("syntax-error", "unexpected `{`")]


def test_several_errors() -> None:
    """Each broken statement has its finding, and so has what is wrong in whole ones."""
    found = _findings(
        "a = set { value: }\ninput { x: strng }\nb = set { value: 1 }\nc = = d\n@timeot(1s)\ne = set { value: 2 }\n"
    )
    assert sorted(each.code for each in found) == ["syntax-error", "syntax-error", "unknown-policy", "unknown-type"]


def test_several_errors_in_one_statement() -> None:
    """Broken entries and statements of one block are all found."""
    found = _findings(
        """a = switch input.kind {
  "x" => {
    b = set { value: }
    c = set { value: 1 }
    d = set {
      value: 2 +
    }
    e = set { value = 1 }
  }
}
"""
    )
    assert [each.code for each in found] == ["syntax-error"] * 3


def test_no_pipeline_without_syntax() -> None:
    """A text with broken syntax gives no pipeline, since what is missing in it would have consequences everywhere."""
    pipeline, found = reader.read("pipeline p\na = set { value: }\nb = set { value: a }")
    assert pipeline is None
    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "unnamed-pipeline"),
        ("# nothing\n", "unnamed-pipeline"),
        ("x" * 1_000_001, "source-too-large"),
        ("pipeline p\n\0", "control-character"),
        ('pipeline p\na = set { value: "\x1b[31m" }', "control-character"),
        ("pipeline p\na = set { value: " + "[" * 50_000, "unclosed-bracket"),
        ("pipeline p\ninput { a: " + "list<" * 1_000 + "int" + ">" * 1_000 + " }", "nesting-too-deep"),
        ("pipeline p\na = set { value: " + "[" * 50_000 + "]" * 50_000 + " }", "nesting-too-deep"),
        ("pipeline p\n" + "a = if x { " * 200 + "}" * 200, "nesting-too-deep"),
        ("pipeline p\n" + " a = if x {\n" * 100 + " b = set { value: 1 }\n" * 60 + " }\n" * 100, "nesting-too-deep"),
        ("pipeline p\na = set { value: " + "!" * 5_000 + "x }", "nesting-too-deep"),
        ("pipeline p\na = set { value: " + "1 + " * 5_000 + "1 }", "nesting-too-deep"),
        ("pipeline p\na = set { value: `" + "{{ a " * 5_000, "unclosed-string"),
        ("pipeline p\na = set { value: `" + "\\" * 100_001, "unclosed-string"),
        ("pipeline p\na = set { value: " + "'" * 100_001, "unclosed-string"),
        ("pipeline p\na = set { value: " + "9" * 20_000 + " }", "number-out-of-range"),
        ("pipeline p\n" + "}" * 100_000, "unclosed-bracket"),
    ],
    ids=range(17),
)
def test_hostile_text(text: str, code: str) -> None:
    """Whatever is thrown at it, there is one clear finding."""
    assert [each.code for each in reader.read(text)[1]] == [code]


def test_regions_nest_as_deep_as_on_a_canvas() -> None:
    """Fifty regions in each other are read, as in a document; the block that is one too many is the finding."""

    def nested(depth: int) -> str:
        heads = "".join(f"r{at} = foreach x{at} in input.xs {{ " for at in range(depth))
        return "pipeline p\ninput { xs: list<int> }\n" + heads + "yield 1 " + "} yield 2 " * (depth - 1) + "}"

    assert reader.read(nested(50))[1] == []
    assert [each.code for each in reader.read(nested(53))[1]] == ["nesting-too-deep"]


def test_what_is_nested_too_deeply_is_told_once() -> None:
    """The first block of too many is one finding, and what it would hold is not missed."""
    loops = "".join(f"  a{at} = foreach x{at} in [1] {{ " for at in range(50))
    inner = "b = foreach y in [1] { yield 1 } c = foreach z in [1] { yield 1 } yield b "
    pipeline, found = reader.read("pipeline p\n" + loops + inner + "} " * 50)
    assert (pipeline, [each.code for each in found]) == (None, ["nesting-too-deep"])


def test_ten_thousand_errors() -> None:
    """Not more findings than a person reads."""
    found = _findings("a = = 3\n" * 10_000)
    assert len(found) <= reader.MAX_FINDINGS + 1


@given(st.data())
def test_damaged_text(data: st.DataObject) -> None:
    """A pipeline with a piece cut out, doubled or replaced gives a pipeline or a finding, and never an exception."""
    start = data.draw(st.integers(0, len(SAMPLE)))
    end = data.draw(st.integers(start, min(len(SAMPLE), start + 60)))
    piece = data.draw(
        st.sampled_from(
            ["", "{", "}", "`", '"', "{{", "}}", "@", "=", "\n", "x y", "if ", "switch ", SAMPLE[start:end] * 2]
        )
    )
    text = SAMPLE[:start] + piece + SAMPLE[end:]
    pipeline, found = reader.read(text)
    assert pipeline is not None or found
    for each in found:
        assert Source(text).span(each.origin) is not None


@given(st.text(alphabet="abc {}[]()`\"'@=:,.?|#\n\\-+1<>", max_size=60))
def test_noise(text: str) -> None:
    """Noise gives findings and no exception."""
    pipeline, found = reader.read(text)
    assert pipeline is not None or found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("input { a: strng }", "input { a: string }"),
        ("input { a: int b: int }", "input { a: int, b: int }"),
        ("input { a: int @persnal }", "input { a: int @personal }"),
        ("@priorty(1)\na = set { value: 1 }", "@priority(1)\na = set { value: 1 }"),
        ("@timeout(20)\na = set { value: 1 }", "@timeout(20s)\na = set { value: 1 }"),
        ("settings { dedline: 1h }", "settings { deadline: 1h }"),
        ("settings { concurrency: { at_mots: 1 } }", "settings { concurrency: { at_most: 1 } }"),
        ("a = set { value: { b: 1 c: 2 } }", "a = set { value: { b: 1, c: 2 } }"),
        ("if input.x { }", "branch = if input.x { }"),
        ("branch = set { value: 1 }\nif input.x { }", "branch = set { value: 1 }\nbranch_2 = if input.x { }"),
        ('switch input.x { "a" => {} }', 'route = switch input.x { "a" => {} }'),
    ],
)
def test_fixes(before: str, after: str) -> None:
    """A fix gives text that has no finding any more."""
    text = "pipeline p\n" + before
    fixed = apply_fixes(text, reader.read(text)[1])
    assert fixed.text == "pipeline p\n" + after
    assert reader.read(fixed.text)[1] == []


def test_fix_of_a_pipeline_without_name() -> None:
    """It gets a first line."""
    text = "return 1"
    assert reader.read(apply_fixes(text, reader.read(text)[1]).text)[1] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@foo\na = set { value: 1 }", "unknown-policy"),
        ('@label("x")\nconnection c = http {}', "unknown-policy"),
        ("@retry\na = set { value: 1 }", "ill-typed-policy"),
        ("@retry(often: 3)\na = set { value: 1 }", "ill-typed-policy"),
        ("@retry(3, attempts: 4)\na = set { value: 1 }", "ill-typed-policy"),
        ("@retry(true)\na = set { value: 1 }", "ill-typed-policy"),
        ("@timeout(input.x)\na = set { value: 1 }", "ill-typed-policy"),
        ("@timeout(1s, 2s)\na = set { value: 1 }", "ill-typed-policy"),
        ("@on_error(ignore)\na = set { value: 1 }", "ill-typed-policy"),
        ("@label(3)\na = set { value: 1 }", "ill-typed-policy"),
        ("@disabled(1)\na = set { value: 1 }", "ill-typed-policy"),
        ("@timeout(1s)\n@timeout(2s)\na = set { value: 1 }", "duplicate-key"),
        ("pipeline q", "repeated-section"),
        ("input {}\ninput {}", "repeated-section"),
        ("settings { colour: 1h }", "unknown-setting"),
        ("settings { deadline: soon }", "ill-typed-setting"),
        ("settings { concurrency: 3 }", "ill-typed-setting"),
        ("settings { concurrency: { 3: 3 } }", "ill-typed-setting"),
        ("settings { concurrency: { at_most: 1.5 } }", "ill-typed-setting"),
        ("settings { concurrency: { at_most: true } }", "ill-typed-setting"),
        ("settings { concurrency: { then: wait } }", "ill-typed-setting"),
        ('settings { concurrency: { then: "queue" } }', "ill-typed-setting"),
        ("settings { concurrency: { key: other.a } }", "ill-typed-setting"),
        ("settings { concurrency: { key: input } }", "ill-typed-setting"),
        ("settings { concurrency: { key: input.a + input.b } }", "ill-typed-setting"),
        ("settings { concurrency: { key: [input.a, input.b[0]] } }", "ill-typed-setting"),
        ("settings { concurrency: { most: 1 } }", "unknown-setting"),
        ('secret a = vault("x")', "unknown-secret-source"),
        ("secret a = env(input.x)", "unknown-secret-source"),
        ('on webhook "/a" { path: "/b" }', "duplicate-key"),
        ("a = set { value: 1, value: 2 }", "duplicate-key"),
        ('a = switch x { "b" => {} "b" => {} }', "duplicate-case"),
        ('a = switch x { 1 => {} "1" => {} }', "duplicate-case"),
        ("a = switch x { else => {} else => {} }", "duplicate-case"),
        ('a = switch x { else => {} "b" => {} }', "case-after-else"),
        ("if x { b = set { value: 1 } }", "unnamed-branch"),
    ],
)
def test_what_is_wrong(text: str, code: str) -> None:
    """Each gives exactly its finding, and the rest of the pipeline is there to be checked."""
    pipeline, found = reader.read("pipeline p\n" + text)
    assert [each.code for each in found] == [code]
    assert pipeline is not None


def test_an_empty_name_is_none() -> None:
    """It names the package."""
    _, found = reader.read('pipeline ""')
    assert [each.code for each in found] == ["unnamed-pipeline"]


@pytest.mark.parametrize("text", ['a = set { value: "\ud800" }', "# \udfff\n", "a = set { value: `\ud800 {{ 1 }}` }"])
def test_half_a_character(text: str) -> None:
    """Half of a surrogate pair, which an editor may hand over, is told at its place: nothing could write it as UTF-8."""
    found = _one(text)
    assert (found.code, found.origin.end) == ("malformed-text", (found.origin.start or 0) + 1)
