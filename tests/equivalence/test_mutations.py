"""What is broken is found: each way in which an optimization, or generated code, could change what a pipeline means."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from saltern_compiler.passes import pipeline as order
from tests.equivalence.drawing import Drawn
from tests.equivalence.exploring import explore
from tests.equivalence.mutations import MUTATIONS, TEXTS, Mutation
from tests.equivalence.running import Checked, Engines, check
from tests.support.effort import LONG

SEED, MOST = 3, 700
SEED_OF = {"nothing is kept": 11}
"""Where the pipelines of the common seed have nothing that it breaks."""
QUICK = ("plus is minus", "branches hang on nothing", "effects in any order", "nothing gates a stage")
"""Those that the short form tries."""
RARE = ("a merge from behind", "an item's failure drops it", "what fails is passed over")
"""Those that the drawing shows too seldom for the long form: some thousands of pipelines need not have what they break."""
ALL = 50
"""`SALTERN_TEST_LONG` from which on these are tried too, each with so many times as many pipelines."""


def _is_tried(name: str) -> bool:
    return name in QUICK or LONG >= ALL or (bool(LONG) and name not in RARE)


TRIED = [name for name in (*MUTATIONS, *TEXTS) if _is_tried(name)]


class FoundError(Exception):
    """A difference was found, which is what is looked for."""


@pytest.fixture
def engines(redis_url):
    """One connection for all pipelines; what fails on purpose is not logged."""
    logging.disable(logging.CRITICAL)
    opened = Engines(redis_url)
    yield opened
    opened.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TRIED)
def test_what_is_broken_is_found(name: str, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that breaks pipelines, or a change of what is emitted, differs from the interpreter before long."""
    change = TEXTS.get(name, str)
    mutation = Mutation(name, MUTATIONS.get(name, lambda node: node))

    def each(one: Drawn) -> None:
        checked = check(one)
        if not _changes(checked, mutation, change):
            return
        with monkeypatch.context() as patch:
            patch.setattr(order, "OPTIMIZATIONS", (*order.OPTIMIZATIONS, (0, mutation)))
            seen = engines.run(checked, 1, change)
        if checked.oracle().difference(seen) is not None:
            raise FoundError

    with pytest.raises(FoundError):
        explore(MOST * max(LONG, 1), SEED_OF.get(name, SEED), each, (1, 2, 3), shrink=False)


def _changes(checked: Checked, mutation: Mutation, change: Callable[[str], str]) -> bool:
    """Whether there is something in a pipeline, or in one that it uses, that is broken."""
    if change is not str:
        return True
    all_of_it = (checked.analyzed, *checked.callees.values())
    return any(mutation.apply(each.pipeline, each.context) is not each.pipeline for each in all_of_it)
