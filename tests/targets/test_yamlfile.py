"""Trees as YAML look as PyYAML writes them."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from saltern_targets.compose import target as compose
from saltern_targets.kubernetes import yamlfile as kubernetes
from saltern_targets.yamlfile import Line, block
from tests.support.effort import tries

WORDS = st.sampled_from(
    ["", "y", "no", "null", "~", "12", "1e3", "0x1", "a: b", "a #b", "- a", "${A:?b}", "15s", "é", "a'b", 'a"b', "\t", "%", "=", "x" * 101]
)  # fmt: skip
TEXTS = WORDS | st.text(max_size=12)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.sampled_from([0.0, 1.0, 0.5])


def trees(leaves):
    """Trees that are not empty, of mappings and lists."""
    inner = st.recursive(
        leaves,
        lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXTS, part, max_size=3),
        max_leaves=12,
    )
    return st.dictionaries(TEXTS, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3)


@given(trees(SCALARS))
@settings(max_examples=tries(150, 2000), deadline=None)
def test_blocks_of_kubernetes_are_those_of_pyyaml(tree):
    """Whatever simple tree there is, its blocks are byte for byte those that PyYAML writes."""
    text = block(tree, kubernetes._scalar)
    assert text is None or "---\n" + text == kubernetes._by_yaml([tree])


@given(trees(SCALARS | st.lists(TEXTS, max_size=3).map(Line)))
@settings(max_examples=tries(150, 2000), deadline=None)
def test_blocks_of_compose_are_those_of_pyyaml(tree):
    """The same in the other look, where texts have no quotes unless they need them, and commands stand on one line."""
    text = block(tree, compose._scalar)
    assert text is None or text == compose._by_yaml(tree)


@pytest.mark.parametrize("text", ["a" * 101, "a\nb", "a\u2028b"])
def test_texts_that_may_be_broken_are_left_to_pyyaml(text):
    """A text of several lines, or a long one, looks otherwise where it stands deep: such a tree is no simple one."""
    for scalar in (kubernetes._scalar, compose._scalar):
        assert block({"a": [text]}, scalar) is None
        assert block({text: 1}, scalar) is None
        assert block({"a": [text[:1]]}, scalar) is not None


def test_documents_of_which_one_is_not_simple_are_written_in_their_order():
    """All of a file is PyYAML's then, and keys stand in it as in all others."""
    trees = [{"b": 1, "name": "a"}, {"b": "a" * 101, "name": "b"}]
    assert list(yaml.safe_load_all(kubernetes.render("x", trees))) == trees
    assert [line.partition(":")[0] for line in kubernetes.render("x", trees).decode().splitlines()] == [
        "# x", "---", "name", "b", "---", "name", "b",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["", 1, None, True])
def test_keys_that_are_no_texts_are_left_to_pyyaml(key):
    """No manifest has one."""
    assert block({"a": {key: 1}}, kubernetes._scalar) is None
