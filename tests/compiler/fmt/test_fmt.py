"""`saltern fmt`: one look, the same meaning, every comment kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from saltern_compiler.cli import main
from saltern_compiler.frontend.language.format import format_text

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "compiler/saltern_compiler/diagnostics/docs").glob("*.md"))


def _blocks():
    found = []
    for page in PAGES:
        blocks = re.findall(r"```saltern\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        found += [(f"{page.stem}-{number}", text) for number, text in enumerate(blocks)]
    return found


def _formatted(text):
    made, findings = format_text("pipeline p\n" + text)
    assert made is not None, findings
    return made.removeprefix("pipeline p\n")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a=set{value:1}", "a = set { value: 1 }\n"),
        ("@retry( 5,base:2s )\na = set {}", "@retry(5, base: 2s)\na = set {}\n"),
        ("a = set { value: 1+2*-x[ 0 ].?b }", "a = set { value: 1 + 2 * -x[0].?b }\n"),
        ("a = set { value: (1 + 2) * 0x10 }", "a = set { value: (1 + 2) * 0x10 }\n"),
        (r"a = set { value: r'\d' }", "a = set { value: r'\\d' }\n"),
        ("a = set {\n value: 1, b: 2 }", "a = set {\n  value: 1\n  b: 2\n}\n"),
        ("a = set { value: `x {{b}}` }", "a = set { value: `x {{ b }}` }\n"),
        ("input{a?:list<int>?@doc('x'),...}", "input { a?: list<int>? @doc('x'), ... }\n"),
        ("a = switch x { 'b'=>{} , else=>{} }", "a = switch x {\n  'b' => {}\n  else => {}\n}\n"),
        ("a = set when any( b.then,c.case.'d e' ) {}", "a = set when any(b.then, c.case.'d e') {}\n"),
        (
            "a = foreach b in c , at  most 2,on  error collect { yield b }",
            "a = foreach b in c, at most 2, on error collect { yield b }\n",
        ),
        ("a = set {}\n\n\n\nb = set {}", "a = set {}\n\nb = set {}\n"),
        ("a = set { value: { (k): 1 , 'b': 2 } }", "a = set { value: { (k): 1, 'b': 2 } }\n"),
    ],
)
def test_one_look(given, wanted):
    """Spaces and line ends are the formatter's; how a literal is written is the author's."""
    assert _formatted(given) == wanted
    assert _formatted(wanted) == wanted


COMMENTS = """# head

# second
pipeline p  # name

input {
  a: string  # field
  # inside
}

# above
x = switch input.a {  # beside
  # above a case
  "q" => {
    y = set {
      # above an entry
      value: [
        1,  # in a list
        2,
      ]
    }
    # at the end of a block
  }
  # at the end
}

# the last
"""


def test_comments_stay():
    """Comments stay where they stand: above, beside, inside of lists, objects and blocks, at the end."""
    made, _ = format_text(COMMENTS)
    assert made == COMMENTS


def test_long_lines_break():
    """What does not fit breaks at its outermost brackets and operators."""
    long = " && ".join(f"input.some_long_name_{number} == {number}" for number in range(6))
    made = _formatted(f"a = if {long} {{ b = set {{}} }}")
    assert max(len(line) for line in made.split("\n")) <= 100
    assert _formatted(made) == made


def test_a_template_that_cannot_be_read_stays():
    """Where a template may not stand at all, nobody reads it: it is set as it was, whatever is in it."""
    text = "settings {\n  deadline: `\n  a\\xb\n`\n}\n"
    assert _formatted(text).strip() == text.strip()


def test_a_word_is_set_apart_from_its_settings():
    """A signature reads as its page shows it, on one line or on several."""
    made = 'on webhook "/a" { signature: token {}, secret: s }\non webhook "/b" {\n  signature: hmac {\n    header: "X"\n  }\n}\n'
    assert _formatted(made.replace("token {", "token{").replace("hmac {", "hmac   {")) == made


def test_words_of_a_loop_have_one_space():
    """However many an author typed."""
    head = "a = while s = { n: 0 }, s.n < 3, at most 20, on limit continue { next s }\n"
    assert _formatted(head.replace("at most", "at  most").replace("on limit", "on  limit")) == head


def test_a_call_behind_one_that_breaks_stays_on_its_line():
    """Each pair of brackets breaks for itself: what stands behind a broken call fits or not by its own length."""
    filtered = "input.lines.filter(line, line.quantity > 100 && line.price > 1000)"
    text = f'a = set {{ value: {filtered}.map(line, line.sku + " costs a lot of money").join("\\n\\n") }}\n'
    assert (
        _formatted(text)
        == f"""\
a = set {{
  value: {filtered}.map(
    line,
    line.sku + " costs a lot of money"
  ).join("\\n\\n")
}}
"""
    )


def test_a_long_head_of_a_loop_has_a_line_for_each_part():
    """Where the head of a loop does not fit, its parts are indented and its brace stands alone, so that the body is told from it."""
    condition = "!state.done && state.tries < 10 && input.wanted && input.open"
    text = f"""\
a = while state = {{ tries: 0, done: false }}, {condition}, at most 20, within 2h after b {{
  next {{ tries: state.tries + 1, done: true }}
}}
c = foreach line in input.lines.filter(line, line.quantity > 100 && line.price > 1000), at most 16, on error collect {{ yield 1 }}
"""
    assert (
        _formatted(text)
        == f"""\
a = while state = {{ tries: 0, done: false }},
  {condition},
  at most 20,
  within 2h
  after b
{{
  next {{ tries: state.tries + 1, done: true }}
}}
c = foreach line in input.lines.filter(line, line.quantity > 100 && line.price > 1000),
  at most 16,
  on error collect
{{ yield 1 }}
"""
    )


@pytest.mark.parametrize("case", _blocks(), ids=lambda case: case[0])
def test_pages(case):
    """Whatever can be parsed can be formatted, and formatting it again changes nothing."""
    made, findings = format_text(case[1])
    if made is None:
        assert findings
        return
    assert format_text(made)[0] == made


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/*.saltern")), ids=lambda path: path.name)
def test_examples_are_formatted(path):
    """The examples look as the formatter has it."""
    assert format_text(path.read_text("utf-8"))[0] == path.read_text("utf-8")


@pytest.fixture
def saltern(capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(each) for each in arguments])
        out = capsys.readouterr()
        return stopped.value.code or 0, out.out, out.err

    return call


def test_check_and_diff_write_nothing(saltern, tmp_path):
    """`--check` lists files and exits 1, `--diff` shows what would change; the files stay as they are."""
    path = tmp_path / "a.saltern"
    path.write_text("pipeline  a\n")
    assert saltern("fmt", "--check", path)[:2] == (1, f"{path}: not formatted\n")
    code, out, _ = saltern("fmt", "--diff", path)
    assert (code, "-pipeline  a\n+pipeline a\n" in out) == (0, True)
    assert path.read_text() == "pipeline  a\n"
    assert saltern("fmt", path)[:2] == (0, f"{path}: formatted\n")
    assert path.read_text() == "pipeline a\n"
    assert saltern("fmt", "--check", path)[:2] == (0, "1 file formatted already\n")


def test_a_broken_file_stays(saltern, tmp_path):
    """A file whose syntax is broken is shown with its findings and left alone; the others are formatted all the same."""
    bad, good = tmp_path / "bad.saltern", tmp_path / "good.saltern"
    bad.write_text("pipeline  bad\nx = {\n")
    good.write_text("pipeline  good\n")
    code, _, err = saltern("fmt", bad, good)
    assert code == 1
    assert "error[" in err
    assert bad.read_text() == "pipeline  bad\nx = {\n"
    assert good.read_text() == "pipeline good\n"


def test_documents_are_refused(saltern, tmp_path):
    """An editor's document is its editor's to format."""
    code, _, err = saltern("fmt", tmp_path / "a.json")
    assert code == 2
    assert "only .saltern files" in err


def test_the_mode_stays(saltern, tmp_path):
    """A file keeps its mode."""
    path = tmp_path / "a.saltern"
    path.write_text("pipeline  a\n")
    path.chmod(0o640)
    saltern("fmt", path)
    assert path.stat().st_mode & 0o777 == 0o640
