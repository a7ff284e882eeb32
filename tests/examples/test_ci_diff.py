"""The workflow that comments on a pull request does what it says: its own commands are run here, with a `gh` that writes down its calls."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from saltern_runtime.version import __version__

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "examples/ci/github-diff.yml").read_text("utf-8")
WORKFLOW = yaml.safe_load(TEXT)
[JOB] = WORKFLOW["jobs"].values()
STEPS = {step["name"]: step for step in JOB["steps"] if "name" in step}
GH = """#!/usr/bin/env python3
import pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if "--paginate" in sys.argv and (folder / "known").exists():
    print("41\\n42")
"""


@pytest.fixture
def repository(tmp_path):
    """Make a repository with two pipelines, one of them in a folder with an odd name."""
    for path in ("order_totals.saltern", "money.py", "a b;$(touch x)/order_totals.saltern", "a b;$(touch x)/money.py"):
        there = tmp_path / "work" / path
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "examples/order_totals" / there.name, there)
    (tmp_path / "temp").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH, "utf-8")
    (tmp_path / "bin/gh").chmod(0o755)
    git(tmp_path / "work", "init", "-q", "-b", "main")
    commit(tmp_path / "work")
    return tmp_path


def git(folder, *arguments):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *arguments]
    return subprocess.run(command, cwd=folder, env=plain, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder):
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a")


def run(folder, step, **more):
    """Run a step as the runner does: bash, stopping at the first error."""
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": path,
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_OUTPUT": str(folder / "temp/output"),
        "GITHUB_STEP_SUMMARY": str(folder / "temp/summary"),
        "NUMBER": "7",
        "REPOSITORY": "a/b",
        **more,
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]]
    return subprocess.run(shell, cwd=folder / "work", env=environment, capture_output=True, text=True, check=False)


def compare(folder):
    """Run the comparison with what the pull request began from; return the report and the worst exit code."""
    ran = run(folder, "Compare", BASE=git(folder / "work", "rev-list", "--max-parents=0", "HEAD"))
    assert ran.returncode == 0, ran.stderr
    return (folder / "temp/report.md").read_text("utf-8"), (folder / "temp/output").read_text().strip()


def edit(folder, before, after, path="order_totals.saltern"):
    there = folder / "work" / path
    assert before in there.read_text("utf-8")
    there.write_text(there.read_text("utf-8").replace(before, after), "utf-8")
    commit(folder / "work")


def test_its_rights():
    """It installs this version; the token may read the repository and write comments, and what a fork says never meets it."""
    assert STEPS["Install saltern"]["run"] == f'python -m pip install "saltern=={__version__}"'
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert list(WORKFLOW[True]) == ["pull_request"]
    assert all("${{" not in step["run"] for step in STEPS.values()), "nothing is put into a script's text"


def test_nothing_changed(repository):
    """Where pipelines mean the same, the comment says that."""
    edit(repository, "# Adds up", "# It adds up")
    report, worst = compare(repository)
    assert report == "<!-- saltern diff -->\n## What changes in meaning\n\nNothing.\n"
    assert worst == "worst=0"


def test_what_changed(repository):
    """Each changed pipeline is in the report, those with odd names too; a breaking change fails the job at its end."""
    edit(repository, "percent = set { value: ", 'percent = set { value: input.country == "LI" ? 7 : ')
    edit(repository, "total: int", "total: double", "a b;$(touch x)/order_totals.saltern")
    report, worst = compare(repository)
    assert "<code>node percent&#58; value</code>" in report
    assert "<code>output&#46;total</code>" in report
    assert "<code>&#46;/a b;&#36;(touch x)/order&#95;totals&#46;saltern</code>" in report
    assert worst == "worst=1"
    assert not (repository / "work/x").exists()
    assert run(repository, "Fail where callers break", WORST="1").returncode == 1
    assert run(repository, "Fail where callers break", WORST="0").returncode == 0


def test_its_own_module_changed(repository):
    """A pipeline that has changed by a module alone is in the report."""
    edit(repository, "return sum(amounts)", "return sum(amounts, 0)", "money.py")
    report, worst = compare(repository)
    assert "<code>module money&#46;py</code>" in report
    assert worst == "worst=0"


def test_a_broken_pipeline(repository):
    """What cannot be compared is said, and fails; a pipeline that is new is passed over."""
    edit(repository, "input.order", "inptu.order")
    (repository / "work/new.saltern").write_text("pipeline x\n\nreturn 1\n", "utf-8")
    commit(repository / "work")
    report, worst = compare(repository)
    assert "One pipeline cannot be compared" in report
    assert "new.saltern" not in report
    assert worst == "worst=2"


def test_one_comment(repository):
    """The first push writes a comment, each later one writes that comment again."""
    compare(repository)
    assert run(repository, "Comment").returncode == 0
    (repository / "bin/known").touch()
    assert run(repository, "Comment").returncode == 0
    _, wrote, _, wrote_again = (repository / "bin/calls").read_text().splitlines()
    assert "--method POST repos/a/b/issues/7/comments" in wrote
    assert "--method PATCH repos/a/b/issues/comments/41" in wrote_again
