"""Random pipelines give what the interpreter says: on the engine at every level, by `saltern run`, with a Celery worker."""

from __future__ import annotations

import logging

import pytest

from tests.equivalence.covering import CONSTRUCTS
from tests.equivalence.drawing import Drawn
from tests.equivalence.exploring import Covered, compare, explore, levels_of
from tests.equivalence.running import Engines
from tests.support.effort import LONG, tries

SEED = 20_261


@pytest.fixture
def engines(redis_url):
    """One connection for all pipelines; what fails on purpose is not logged."""
    logging.disable(logging.CRITICAL)
    opened = Engines(redis_url)
    yield opened
    opened.close()
    logging.disable(logging.NOTSET)


def test_random_pipelines_are_what_they_mean(engines):
    """Outputs, failures, effects with their order, and states, level after level; each construct is among them."""
    covered = Covered()

    def each(one: Drawn) -> None:
        compare(one, engines, levels_of(covered.pipelines, all_of_them=False), covered)

    explore(tries(100, 2000), SEED, each)
    assert covered.worlds["too many"] * 50 <= covered.pipelines
    if LONG:
        assert [name for name in CONSTRUCTS if not covered.constructs[name]] == []
        assert max(covered.depths) >= 8


def test_constructs_stand_in_each_other_eight_deep(engines):
    """Along one way at least; at all levels."""
    covered = Covered()
    explore(tries(4, 60), SEED, lambda one: compare(one, engines, levels_of(0, all_of_them=True), covered), (8,))
    assert max(covered.depths) >= 8
