"""Any text at all: what is written, with pieces cut out, moved and put in, gives findings with places, and never an exception."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_compiler.driver import compile_source
from saltern_compiler.frontend.language.printer import print_language
from saltern_compiler.frontend.remarks import Remarks
from tests.fuzz.mutations import mutate
from tests.fuzz.properties import BETWEEN, REGISTRY, TARGETS
from tests.fuzz.seeds import seeds
from tests.support.effort import tries
from tests.support.pipelines import pipelines

CRASHES = sorted(Path(__file__).with_name("crashes").glob("*/*.txt"))
NO_SHRINK = [Phase.explicit, Phase.reuse, Phase.generate]
"""A mutant is small already, and one change less is another text."""
settings_of = {
    "language": tries(25, 800), "document": tries(25, 800), "yaml": tries(25, 400), "expression": tries(150, 4_000), "diff": tries(15, 400), "upgrade": tries(25, 800),
}  # fmt: skip


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_once_broke(path):
    """Texts that broke something once do not any more."""
    TARGETS[path.parent.name](path.read_bytes().decode())


@pytest.mark.parametrize("target", TARGETS)
def test_mutants(target):
    """Texts that lie about, changed in a few places."""

    @settings(max_examples=settings_of[target], phases=NO_SHRINK, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(seeds(target)), st.integers(0, 2**32))
    def check(text, seed):
        TARGETS[target](mutate(text, target, Random(seed)))

    check()


@pytest.mark.parametrize("target", TARGETS)
def test_any_characters(target):
    """Characters of every kind, halves of them among it."""

    @settings(max_examples=tries(20, 300), suppress_health_check=list(HealthCheck))
    @given(
        st.text(st.characters(), max_size=60) | st.text("{}[]()`\"'@=:,.?|#\n\\-+1<>abx \t\r\ufeff\ud800", max_size=60)
    )
    def check(text):
        TARGETS[target](text)

    check()


@settings(max_examples=tries(6, 150), phases=NO_SHRINK, suppress_health_check=list(HealthCheck))
@given(pipelines(), st.integers(0, 2**32))
def test_mutants_of_random_pipelines(pipeline, seed):
    """Every construct, nested in every other, and then changed in a few places; the change is compared with what it was."""
    text = print_language(pipeline, Remarks.of([]), {}, REGISTRY)
    mutant = mutate(text, "language", Random(seed))
    TARGETS["language"](mutant)
    TARGETS["diff"](text + BETWEEN + mutant)


FAMILIES = {
    "statements": lambda n: "pipeline p\n" + "".join(f"a{at} = set {{ value: {at} }}\n" for at in range(n)),
    "broken statements": lambda n: "pipeline p\n" + "a = = 1\n" * n,
    "a chain": lambda n: "pipeline p\na0 = set { value: 1 }\n" + "".join(f"a{at} = set {{ value: a{at - 1} }}\n" for at in range(1, n)),
    "a sum": lambda n: "pipeline p\nreturn " + " + ".join(["1"] * min(n, 90)) + " + [" + ", ".join(["1 + 1"] * n) + "].sum()\n",
    "open brackets": lambda n: "pipeline p\na = set { value: " + "[" * n,
    "open templates": lambda n: "pipeline p\n" + "`{{ " * n,
    "quotes": lambda n: "pipeline p\na = set { value: " + '"""' * n,
    "comments": lambda n: "pipeline p\n" + "# x\n" * n + "return 1\n",
    "unknown names": lambda n: "pipeline p\nreturn [" + ", ".join(f"nam{at}" for at in range(n)) + "]\n",
    "the same id": lambda n: "pipeline p\n" + "a = set { value: 1 }\n" * n,
    "a document": lambda n: '{"schemaVersion": 1, "name": "p", "nodes": [' + ", ".join(f'{{"id": "n{at}", "type": "sett"}}' for at in range(n)) + "]}",
    "unknown keys": lambda n: '{"schemaVersion": 1, "name": "p", ' + ", ".join(f'"nodez{at}": 1' for at in range(n)) + "}",
    "edges": lambda n: '{"schemaVersion": 1, "name": "p", "nodes": [], "edges": [' + ", ".join('{"source": "a", "target": "b"}' for _ in range(n)) + "]}",
    "open lists": lambda n: '{"schemaVersion": 1, "name": "p", "nodes": ' + "[" * n,
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_work_grows_with_the_text(family):
    """A text of twice the size takes at most three times the calls of functions: counted, so that no clock decides."""
    small, large = (calls(FAMILIES[family](n)) for n in (100, 200))
    assert large < 3 * small + 20_000


def calls(text):
    """Count the calls of functions that compiling a text takes, the second time: the first one loads."""
    counted = 0

    def count(_frame, event, _what):
        nonlocal counted
        counted += event == "call"

    for seen in (None, count):
        sys.setprofile(seen)
        try:
            compile_source(text, targets=(), registry=REGISTRY)
        finally:
            sys.setprofile(None)
    return counted


def test_finding_the_same_twice():
    """A text gives the same findings in the same order, each time it is read."""
    for text in seeds("language")[::60]:
        mutant = mutate(text, "language", Random(0))
        first, second = (
            compile_source(mutant, source_name="a.saltern", targets=(), registry=REGISTRY) for _ in range(2)
        )
        assert first.diagnostics == second.diagnostics
