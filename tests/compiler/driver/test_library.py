"""The compiler as a library: what an editor does with it, and what it does not do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import saltern_compiler
from saltern_compiler import Result, compile_source

ROOT = Path(__file__).parents[3]
TRIAGE = ROOT / "examples/support_triage/support_triage.saltern"
TOTALS = ROOT / "examples/order_totals"

SESSION = """
import datetime, json, sys, time

blocked = []

def hook(event, arguments):
    writes = event == "open" and (set(str(arguments[1] or "r")) & set("wax+") or (arguments[2] or 0) & 3)
    starts = event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system"))
    touches = event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.link", "os.symlink"}
    if writes or starts or touches:
        blocked.append((event, repr(arguments)))
        raise PermissionError(f"{event} {arguments}")

def no_clock(*_):
    raise PermissionError("the clock")

class NoNow(datetime.datetime):
    now = utcnow = today = no_clock

sys.addaudithook(hook)
text, files = json.loads(sys.argv[1])

import saltern_compiler

# Importing reads the clock: logging does. Compiling does not.
saltern_compiler.compile_source("pipeline warm\\nreturn 1\\n")
for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime", "gmtime", "sleep"):
    setattr(time, name, no_clock)
datetime.datetime = NoNow

broken = saltern_compiler.compile_source(text.replace("input.n", "inptu.n"), files=files)
mended = saltern_compiler.compile_source(text, files=files)
document = saltern_compiler.compile_source("{", files=files)
print(json.dumps({
    "broken": broken.to_lsp(), "files": sorted(broken.artifacts), "mended": mended.to_lsp(), "hovers": mended.hovers(),
    "artifacts": sorted(mended.artifacts), "document": document.to_lsp()[0]["code"], "blocked": blocked,
    "ran": "money" in sys.modules,
}))
"""


def test_an_editor_session_has_no_side_effects():
    """Broken text gives diagnostics with their places, mended text gives files; no socket, clock, process or write on the way."""
    text = 'pipeline totals\ninput { n: int }\nhalf = python.call { function: "money:half", args: { n: input.n } }\nreturn { half: half }\n'
    files = {"money.py": "raise SystemExit('ran')\n\ndef half(n: int) -> int:\n    return n // 2\n"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", SESSION, json.dumps([text, files])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["blocked"] == []
    assert seen["ran"] is False
    [finding] = seen["broken"]
    assert finding["code"] == "unknown-name"
    assert finding["range"] == {"start": {"line": 2, "character": 56}, "end": {"line": 2, "character": 61}}
    assert finding["data"]["fixes"][0]["edits"] == [{"range": finding["range"], "newText": "input"}]
    assert (seen["files"], seen["mended"]) == ([], [])
    assert {"totals/nodes.py", "totals/money.py"} <= set(seen["artifacts"])
    assert ("half", "int") in [(hover["node"], hover["type"]) for hover in seen["hovers"]]
    assert seen["document"]


def test_the_package_exports_what_its_docstring_shows():
    """Names are loaded when asked for, each is documented, others are AttributeErrors; importing the package loads nothing."""
    assert saltern_compiler.__all__ == sorted(saltern_compiler.__all__)
    assert all(getattr(saltern_compiler, name).__doc__ for name in saltern_compiler.__all__)
    assert all(
        name in saltern_compiler.__doc__ for name in ("compile_source", "to_lsp", "to_json", "hovers", "artifacts")
    )
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = saltern_compiler.nope
    script = "import sys, saltern_compiler; print(sum(name.startswith('saltern') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 1


def test_the_notation_is_told_by_the_name_or_by_the_text():
    """A name's suffix counts; without a name, a brace at the start means JSON."""
    text = TRIAGE.read_text()
    document = TRIAGE.with_suffix(".json").read_text()
    results = [compile_source(text), compile_source("\n " + document), compile_source(document, source_name="x.yaml")]
    assert [result.diagnostics for result in results] == [()] * 3
    assert len({result.plan.pipeline_digest for result in results}) == 1


def test_checking_alone():
    """Without targets there is a plan and no file; an unknown target is a LookupError."""
    result = compile_source(TRIAGE.read_text(), targets=())
    assert (result.has_errors, result.artifacts) == (False, {})
    assert result.plan is not None
    with pytest.raises(LookupError, match="no target 'cobol'"):
        compile_source(TRIAGE.read_text(), targets=("cobol",))


def test_own_modules_are_given_as_text():
    """What the command line reads from the pipeline's folder, a library's caller hands over; the files are the same."""
    from saltern_compiler.driver import Source, compile_loaded

    source = TOTALS / "order_totals.saltern"
    given = {"money.py": (TOTALS / "money.py").read_text()}
    result = compile_source(source.read_text(), source_name=source.name, files=given)
    assert result.artifacts == compile_loaded(Source.load(str(source))).artifacts
    missing = compile_source(source.read_text(), source_name=source.name)
    assert {each.code for each in missing.diagnostics if each.severity is saltern_compiler.Severity.ERROR}


def test_lsp_counts_utf_16_units():
    """Characters beyond the basic plane count as two, as LSP has it; JSON output counts characters."""
    result = compile_source('pipeline p\nreturn { a: "😀" + nope }\n')
    [finding] = result.to_lsp()
    assert finding["range"] == {"start": {"line": 1, "character": 19}, "end": {"line": 1, "character": 23}}
    assert (finding["severity"], finding["source"]) == (1, "saltern")
    [other] = json.loads(result.to_json())["diagnostics"]
    assert other["range"]["start"] == {"line": 2, "column": 19}


def test_related_places_need_a_uri():
    """LSP's related information names a document, so it is there only when the caller says which."""
    result = compile_source("pipeline p\na = set { value: 1 }\na = set { value: 2 }\nreturn a\n")
    found = next(each for each in result.to_lsp("file:///p.saltern") if "relatedInformation" in each)
    [related] = found["relatedInformation"]
    assert related["location"]["uri"] == "file:///p.saltern"
    assert all("relatedInformation" not in each for each in result.to_lsp())


@pytest.mark.parametrize("text", ["", "\0", "{", "pipeline", "{" * 5000, "return " + "(" * 5000, "\ud800", "é" * 10])
def test_whatever_the_text_says_the_answer_is_a_result(text):
    """No text raises; each finding has a place that an editor can show."""
    result = compile_source(text)
    assert isinstance(result, Result)
    assert result.has_errors
    assert result.to_lsp("file:///x")
    assert result.hovers() == [] or result.pipeline is not None
