"""Case files: a title, a source, and below it all that the passes say and make of it.

The folder of a case is the pass that it is about. Of every case the findings stand below its source, as a terminal shows them; of one
about a transform or an optimization also the pipeline before and after that pass. `# run size{limit=2}` in the second line gives a
pass other options; `# strict` there asks for strict mode. Behind `# +++ NAME` stands a file that lies beside the source. `make cases` writes what stands below the sources anew: read the difference before you commit it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

import saltern_compiler.passes as package
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.diagnostics.render import render_terminal
from saltern_compiler.diagnostics.rules import Rules
from saltern_compiler.driver.link import link
from saltern_compiler.frontend import read
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.printer import dump
from saltern_compiler.passes import analyze
from saltern_compiler.passes.base import Check, Context, Pass
from saltern_compiler.passes.pipeline import PASSES, optimizations, run
from saltern_compiler.passes.uses import with_uses
from saltern_compiler.registry import Registry
from tests.support.versions import GREETINGS

OPTIMIZATIONS = optimizations(2)
REGISTRY = Registry.load().extended(GREETINGS)
CASES = Path(__file__).with_name("cases")
FILES = sorted(path for path in CASES.rglob("*") if path.is_file())
ROOT = Path(package.__file__).parent
ALL = {one.name: one for one in (*PASSES, *OPTIMIZATIONS)}
EXPECTED = "# --- "
STRICT = "# strict"
FILE = "# +++ "
OPTIONS = re.compile(r"# run (\w+)\{(\w+)=(\d+)\}")


@dataclass(frozen=True)
class Step:
    """What one pass did."""

    before: Pipeline
    after: Pipeline
    findings: int


@dataclass(frozen=True)
class Case:
    """A case file, read; `text` is its source alone, so that no expectation moves a place."""

    path: Path
    text: str
    expected: str
    files: dict[str, str]
    given: str
    """The source and its files."""

    @classmethod
    def load(cls, path: Path) -> Case:
        lines = path.read_text("utf-8").splitlines(keepends=True)
        end = next((at for at, line in enumerate(lines) if line.startswith(EXPECTED)), len(lines))
        text, *files = "".join(lines[:end]).split(FILE)
        named = dict(each.split("\n", 1) for each in files)
        given = text + "".join(f"{FILE}{each}" for each in files)
        return cls(path, text.rstrip("\n") + "\n", "".join(lines[end:]), named, given.rstrip("\n") + "\n")

    @property
    def subject(self) -> Pass:
        """The pass that the case is about."""
        return ALL[self.path.parent.name]

    def passes(self, given: tuple[Pass, ...]) -> tuple[Pass, ...]:
        """Return passes with the options that the second line sets."""
        options = OPTIONS.fullmatch(self.text.splitlines()[1])
        if options is None:
            return given
        name, option, number = options.groups()
        return tuple(replace(one, **{option: int(number)}) if one.name == name else one for one in given)

    def findings(self) -> str:
        """Return all findings as a terminal shows them."""
        pipeline, findings = read(self.text, self.path.name)
        if pipeline is not None:
            registry, passes = REGISTRY, self.passes(PASSES)
            linked = link(pipeline, self.path.name, self.files, registry)
            analysis = analyze(
                pipeline,
                registry,
                linked.files,
                uses=linked.uses,
                called=linked.callees,
                incomplete=bool(findings),
                passes=passes,
            )
            findings = [*findings, *analysis.diagnostics, *analysis.strict]
        rules = Rules(strict=self.text.splitlines()[1] == STRICT)
        locator = Locator(self.text, self.path.name)
        return render_terminal(rules.apply(findings), self.text, self.path.name, locator=locator) or "none\n"

    def steps(self) -> dict[str, Step]:
        """Run the passes one by one; optimizations only where there is no error, as a plan does."""
        pipeline, findings = read(self.text, self.path.name)
        assert pipeline is not None
        uses = link(pipeline, self.path.name, self.files, REGISTRY).uses
        context = Context(with_uses(REGISTRY, uses), incomplete=bool(findings), uses=uses)
        steps: dict[str, Step] = {}
        for one in self.passes((*PASSES, *OPTIMIZATIONS)):
            if one in OPTIMIZATIONS and context.has_errors:
                break
            so_far = len(context.diagnostics)
            after = run(pipeline, context, (one,))
            steps[one.name] = Step(pipeline, after, len(context.diagnostics) - so_far)
            pipeline = after
        return steps

    def outcome(self) -> str:
        """Return what has to stand below the source."""
        blocks = {"findings": self.findings()}
        if not isinstance(self.subject, Check):
            name = self.subject.name
            step = self.steps().get(name)
            assert step is not None, "no optimization runs on a pipeline with errors"
            blocks |= {f"before {name}": dump(step.before), f"after {name}": dump(step.after)}
        return "\n".join(_commented(title, text) for title, text in blocks.items())


def _commented(title: str, text: str) -> str:
    return f"{EXPECTED}{title}\n" + "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


@cache
def _steps() -> list[tuple[Case, dict[str, Step]]]:
    return [(case, case.steps()) for case in map(Case.load, FILES)]


def _ids(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=_ids)
def test_case(path, request):
    """Code, severity, place, message, notes and fixes of every finding, and what a pass makes, are those below the source."""
    case = Case.load(path)
    outcome = case.outcome()
    if request.config.option.update_snapshots:
        path.write_text(f"{case.given}\n{outcome}", "utf-8")
        return
    assert case.expected == outcome, "look at the changes, then run `make cases`"


def _without_a_case() -> Iterator[str]:
    for name, one in ALL.items():
        own = [steps[name] for case, steps in _steps() if case.path.parent.name == name and name in steps]
        if not any(step.findings if isinstance(one, Check) else step.after is not step.before for step in own):
            yield name


def test_every_pass_has_a_case_that_shows_it():
    """Each check has a case in which it reports, each transform and optimization one that it changes, and no folder is another's."""
    assert list(_without_a_case()) == []
    assert {path.parent.name for path in FILES} == set(ALL)


def test_what_a_pass_makes_it_leaves_alone():
    """A normal form is one: a transform or an optimization changes nothing in what it has made, in any case."""
    for case, steps in _steps():
        for one in case.passes((*PASSES, *OPTIMIZATIONS)):
            if one.name in steps and not isinstance(one, Check):
                after = steps[one.name].after
                assert one.apply(after, Context(REGISTRY)) is after, (one.name, case.path)


def test_no_check_changes_a_pipeline():
    """A check only looks."""
    changed = {name for _, steps in _steps() for name, step in steps.items() if step.after is not step.before}
    assert not any(isinstance(ALL[name], Check) for name in changed)


def test_every_code_of_a_pass_has_a_case():
    """Each code that the passes can report is reported in a case."""
    sources = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    used = {code for code in CODES if f'"{code}"' in sources}
    assert len(used) > 35
    shown = {
        code for path in FILES for code in re.findall(r"(?m)^# (?:error|warning)\[(.+?)\]", path.read_text("utf-8"))
    }
    assert used - shown == set()


def test_no_message_repeats_a_secret():
    """What may be a secret is never shown, in whatever finding."""
    text = (
        "pipeline example\n\n"
        'connection team = slack { token: "hunter2hunter2" }\n'
        'tell = slack.post_message(team) { channel: "#ops", text: "xoxb-hunter2-hunter2-hunter2" }\n'
    )
    pipeline, _ = read(text, "example.saltern")
    assert pipeline is not None
    findings = analyze(pipeline, Registry.load()).diagnostics
    assert {finding.code for finding in findings} == {"literal-secret", "looks-like-secret"}
    assert not any("hunter2" in str(finding) for finding in findings)
