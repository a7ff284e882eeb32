"""Which plans lay what a run keeps into the same places."""

import pytest

from saltern_compiler.diff.stages import unlike
from saltern_compiler.driver import compile_source

TEXT = """
pipeline p

input { urls: list<string> }
output { n: int, last: int }

on api

pages = foreach url in input.urls, at most 2 {
  page = http.request { url: url } @retry(3)
  yield page.status
}
size = set { value: pages.size() }
last = http.request { url: input.urls[0] }
return { n: size, last: last.status }
"""


def plan(text, level=1):
    result = compile_source(text, source_name="p.saltern", optimize=level)
    assert not result.has_errors, result.diagnostics
    return result.plan


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("pages.size()", "pages.size() + 1"), ("url: url }", 'url: url, method: "POST" }'), ("@retry(3)", "@retry(5)"), ("input.urls[0]", "input.urls[1]")],
)  # fmt: skip
def test_what_nodes_do_may_change(was, becomes):
    """Parameters, expressions over the same values, retries."""
    assert was in TEXT
    old, new = plan(TEXT), plan(TEXT.replace(was, becomes))
    assert old.digest != new.digest
    assert unlike(old, new) == ""


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("at most 2", "at most 3", "the stage pages differs in `ends`"),
        ("last = http", "beside = http.request { url: input.urls[1] }\nlast = http", "the stages are others: beside"),
        ("input.urls[0] }", "`{{ size }}` }", ""),
        ("return { n: size, last: last.status }", "return { n: size, last: 0 }", ""),
    ],
)
def test_where_things_lie_may_not(was, becomes, said):
    """Regions, stages, what waits for what, what is kept: the first difference is named."""
    assert was in TEXT
    why = unlike(plan(TEXT), plan(TEXT.replace(was, becomes)))
    assert why
    assert said in why


def test_the_level_of_optimization_is_a_part_of_it():
    """Stages are cut otherwise."""
    assert unlike(plan(TEXT), plan(TEXT, level=0))
