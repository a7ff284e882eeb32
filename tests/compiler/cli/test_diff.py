"""`saltern diff` over files and revisions."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from saltern_compiler.cli.root import cli
from tests.compiler.diff.changes import CASES, FILES, ORDERS


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["diff", *arguments], catch_exceptions=False)


def _edited(name: str) -> str:
    return next(case for case in CASES if case.name == name).new[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a pipeline in a folder of it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "flows").mkdir()
    for name, text in {"orders.saltern": ORDERS, **FILES}.items():
        (tmp_path / "flows" / name).write_text(text, "utf-8")
    _git("init", "-q", "-b", "main")
    _git("add", ".")
    _commit()
    return tmp_path / "flows"


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def _commit() -> None:
    _git("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-q", "-m", "orders")


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("comment", (), 0),
        ("comment", ("--exit-code",), 0),
        ("rename", ("--exit-code",), 0),
        ("parameter", (), 0),
        ("parameter", ("--exit-code",), 1),
        ("parameter", ("--fail-on", "change"), 1),
        ("parameter", ("--fail-on", "runs"), 0),
        ("another type of value", ("--fail-on", "runs"), 1),
        ("another type of value", (), 0),
        ("wider number", (), 1),
        ("wider number", ("--fail-on", "never"), 0),
    ],
)
def test_exit_codes(folder: Path, name: str, arguments: tuple[str, ...], code: int) -> None:
    """Without more, what breaks callers fails; `--fail-on` and `--exit-code` say otherwise."""
    (folder / "new.saltern").write_text(_edited(name), "utf-8")
    found = _run(*arguments, "flows/orders.saltern", "flows/new.saltern")
    assert found.exit_code == code, found.output


def test_findings_are_shown(folder: Path) -> None:
    """A pipeline with errors is compared with nothing: the findings of both are there, and the code is 2."""
    (folder / "new.saltern").write_text(ORDERS.replace("input.id", "inptu.id"), "utf-8")
    found = _run("flows/new.saltern", "flows/orders.saltern", "--format", "json")
    assert found.exit_code == 2
    assert found.stdout == ""
    assert "unknown-name" in found.stderr


def test_a_revision(folder: Path) -> None:
    """An old revision is read with the modules and pipelines of that revision."""
    (folder / "rules.py").write_text(FILES["rules.py"].replace("sum(lines)", "sum(lines) + 1"), "utf-8")
    found = _run("git:HEAD:flows/orders.saltern", "flows/orders.saltern")
    assert "~ module rules.py" in found.output
    assert found.exit_code == 0
    (folder / "orders.saltern").write_text(_edited("rename"), "utf-8")
    _git("add", ".")
    staged = _run("git::flows/orders.saltern", "git:HEAD:./flows/orders.saltern", "--format", "json")
    document = json.loads(staged.output)
    assert [(each["kind"], each["name"]) for each in document["changes"]] == [
        ("changed", "rules.py"),
        ("renamed", "off"),
    ]
    assert document["old"] == {"source": "git::flows/orders.saltern", "pipeline": "orders"}


def test_a_used_pipeline_of_a_revision(folder: Path) -> None:
    """What is used is read at the revision, from the folder of what uses it."""
    score = "pipeline score\n\ninput { text: string }\n\nreturn { points: input.text.size() }\n"
    caller = 'pipeline caller\n\nuse score = "./inner/score.saltern"\n\ns = call score { text: "a" }\nreturn s.points\n'
    (folder / "inner").mkdir()
    (folder / "inner/score.saltern").write_text(score, "utf-8")
    (folder / "caller.saltern").write_text(caller, "utf-8")
    _git("add", ".")
    _commit()
    (folder / "inner/score.saltern").write_text(score.replace("size()", "size() + 1"), "utf-8")
    found = _run("git:HEAD:flows/caller.saltern", "flows/caller.saltern")
    assert "in inner/score.saltern, which it uses:" in found.output
    assert "runs in flight: partly" in found.output
    assert "what `s` calls means something else now" in found.output


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("git:nowhere:flows/orders.saltern", "invalid object name 'nowhere'"),
        ("git:HEAD:flows/other.saltern", "path 'flows/other.saltern' does not exist in 'HEAD'"),
        ("git:HEAD", "a revision is named git:REV:path"),
        ("git:HEAD:", "a revision is named git:REV:path"),
        ("git:HEAD:flows/rules.py", "a pipeline's file ends in"),
        ("git:--output=x:flows/orders.saltern", "is no revision"),
        ("git:HEAD:flows\0/orders.saltern", "embedded null byte"),
        ("flows/none.saltern", "no such file"),
    ],
)
def test_what_cannot_be_read(folder: Path, path: str, said: str) -> None:
    """A revision or a file that is not there is misuse, said in one line; nothing of it reaches a shell or Git's options."""
    found = _run(path, "flows/orders.saltern")
    assert found.exit_code == 2
    assert said in found.stderr
    assert not Path("x").exists()


def test_both_notations(folder: Path) -> None:
    """A drawing and a text that mean the same are the same."""
    CliRunner().invoke(cli, ["convert", "flows/orders.saltern", "-o", "flows/orders.json"], catch_exceptions=False)
    found = _run("flows/orders.saltern", "flows/orders.json")
    assert found.output == "flows/orders.json: the same meaning\n"


def test_one_standard_input(folder: Path) -> None:
    """One of both may be standard input, not both."""
    assert _run("-", "-").exit_code == 2
