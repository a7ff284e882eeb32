"""`saltern eval`: one expression over one value, in a process of its own."""

import io
import json

import pytest

from saltern_compiler.cli import main
from saltern_compiler.driver.shapes import shape_of
from saltern_runtime.spec import show

DATA = """\
lines: [{sku: tea, price: 45}, {sku: kettle, price: 890.5, note: null}]
nick: null
"""


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text(DATA)
    return path


@pytest.fixture
def printed(capfd):
    """Run the command: its exit code, and what it and its process wrote to standard output and error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["eval", *map(str, arguments)])
        out = capfd.readouterr()
        return stopped.value.code or 0, out.out, out.err

    return call


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("input.lines.map(line, line.price).sum()", 935.5),
        ("input.lines.map(line, has(line.note))", [False, True]),
        ("input.nick == null", True),
        ("{'sku': input.lines[0].sku, 'at': duration('90s')}", {"sku": "tea", "at": "90s"}),
        ("input.lines.groupBy(line, line.sku).transformMap(sku, lines, lines.size())", {"tea": 1, "kettle": 1}),
    ],
)
def test_values(printed, data, expression, value):
    """The value is printed as JSON, and nothing else."""
    code, out, err = printed(expression, "--input", data)
    assert (code, json.loads(out), err) == (0, value, "")


def test_without_input(printed):
    """An expression that reads nothing needs no input; text is not turned into ASCII."""
    assert printed("'é' + string(1 + 1)") == (0, '"é2"\n', "")


def test_an_expression_may_begin_with_a_minus(printed):
    """It is no option."""
    assert printed("-1") == (0, "-1\n", "")


def test_the_type_on_request(printed, data):
    """The type comes on standard error, as what is in the value says it."""
    code, out, err = printed("input.lines.first()", "--input", data, "--type")
    assert (code, json.loads(out)["sku"], err) == (0, "tea", "{ note?: any, price: double, sku: string }?\n")


def test_the_type_of_a_pipelines_input(printed, tmp_path):
    """A pipeline's input is typed as it says, and the value is held against it; its nodes are not there."""
    pipeline = tmp_path / "p.saltern"
    pipeline.write_text("pipeline p\n\ninput { at: timestamp, nick?: string }\na = set { value: 1 }\nreturn a\n")
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"at": "2025-01-31T12:00:00Z"}')
    bad.write_text('{"at": "noon"}')
    given = ("--pipeline", pipeline, "--type", "--input")
    assert printed("input.at.getHours()", *given, good) == (0, "12\n", "int\n")
    assert printed("input.?nick", *given, good) == (0, "null\n", "string?\n")
    code, out, err = printed("input.at.getHours()", *given, bad)
    assert (code, out) == (1, "")
    assert "the pipeline does not take this input" in err
    code, out, err = printed("a + 1", *given, good)
    assert (code, out, "unknown-name" in err) == (1, "", True)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("input.linse", "unknown-field"),
        ("1 +", "syntax-error"),
        ("run.id", "unknown-name"),
        ("'a' + 1", "ill-typed-expression"),
        ("1u", "ill-typed-expression"),
        ("1e400", "number-out-of-range"),
        ("input.lines[2]", "no-such-item"),
        ("lists.range(1000000000000)", "too-large"),
        ("0.0 / 0.0", "not-json"),
        ("type(1)", "not-json"),
        ("1 / (1 - 1)", "division-by-zero"),
    ],
)
def test_mistakes(printed, data, expression, code):
    """A mistake is found before anything runs where types show it, and has a code anyway."""
    exit_code, out, err = printed(expression, "--input", data)
    assert (exit_code, out) == (1, "")
    assert f"error[{code}]" in err
    assert "Traceback" not in err


def test_memory_has_an_end(printed):
    """A text that doubles without end is refused, and not worked out."""
    names = "abcdefghijklmnopqrstuvwxyz"
    expression = (
        "[" + "'0123456789'" + "]" + "".join(f".map({name}, {name} + {name})" for name in names + names.upper())
    )
    code, out, err = printed(f"{expression}[0].size()")
    assert (code, out) == (1, "")
    assert "error[too-large]" in err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "[1]", "the input is an object"),
        ("a.json", '{"a":', "not JSON"),
        ("a.yaml", "a: &x 1\nb: *x\n", "error["),
        ("a.txt", "{}", "an input ends in .json, .yaml, .yml"),
        ("a.json", None, "no such file"),
    ],
)
def test_inputs_that_are_none(printed, tmp_path, name, text, said):
    """What cannot be read is said, with its place."""
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    code, out, err = printed("1", "--input", path)
    assert (code in (1, 2), out, said in err) == (True, "", True), err


@pytest.mark.parametrize("text", ['{"n": 2}', "n: 2"])
def test_standard_input(printed, monkeypatch, text):
    """JSON and YAML are told apart by their beginning."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert printed("input.n * 2", "--input", "-")[:2] == (0, "4\n")


def test_standard_input_is_one(saltern):
    """A pipeline and its input cannot both come that way."""
    assert saltern("eval", "1", "--input", "-", "--pipeline", "-")[0] == 2


@pytest.mark.parametrize(
    ("value", "of"),
    [
        ([1, 2.5, None], "list<double?>"),
        ([], "list<any>"),
        ([[1], ["a"]], "list<list<any>>"),
        ([{"a": 1}, {"a": "x", "b": True}], "list<{ a: any, b?: bool }>"),
        ({"a": None, "b": {"c": "x"}}, "{ a: any, b: { c: string } }"),
    ],
)
def test_types_of_values(value, of):
    """What the items of a list have in common is their type; null alone says nothing."""
    assert show(shape_of(value)) == of


def test_an_argument_that_is_no_text(saltern):
    """A byte that is not UTF-8 is a finding, not a failure of ours."""
    status, out, err = saltern("eval", '"a\udcff"')
    assert (status, out) == (1, "")
    assert "malformed-text" in err
