"""The analysis of branches: who surely has a value when another node runs."""

from __future__ import annotations

import pytest

from saltern_compiler.passes.analyses.conditions import FALSE, MAX_TERMS, TRUE, Conditions


def branch(conditions: Conditions, name: str, *edges: tuple[str, str], arms: tuple[str, ...] = ("then", "else"), **how):
    conditions.add(name, edges, **how)
    conditions.branch(name, arms)


@pytest.fixture
def conditions():
    made = Conditions()
    branch(made, "a")
    return made


def has(conditions: Conditions, reader: str, read: str) -> bool:
    return conditions.implies(conditions.runs[reader], conditions.has_value[read])


def test_all_arms_joined_by_any_are_no_condition(conditions):
    """A node on every arm of a branch always runs."""
    conditions.add("end", [("a", "then"), ("a", "else")], any_of=True)
    assert conditions.runs["end"] == TRUE


def test_arms_of_an_inner_branch_count_for_the_outer_arm(conditions):
    """The arms of a branch inside one arm, and the other arm, are everything."""
    branch(conditions, "b", ("a", "then"), arms=("case.1", "case.2", "else"))
    inner = [("b", "case.1"), ("b", "case.2"), ("b", "else")]
    conditions.add("part", inner, any_of=True)
    assert conditions.runs["part"] == conditions.runs["b"]
    conditions.add("end", [*inner, ("a", "else")], any_of=True)
    assert conditions.runs["end"] == TRUE


def test_missing_arm_leaves_a_condition(conditions):
    """Without one of the arms, a run may skip the node."""
    branch(conditions, "b", arms=("case.1", "case.2", "else"))
    conditions.add("end", [("b", "case.1"), ("b", "else")], any_of=True)
    assert conditions.runs["end"] != TRUE
    conditions.add("one", [("b", "else")])
    assert has(conditions, "one", "end")
    assert not has(conditions, "end", "one")


def test_outer_values_are_there_in_deep_branches(conditions):
    """However deep a node stands, the values of the branches around it are there, the others are not."""
    last = ("a", "then")
    for number in range(50):
        conditions.add(f"n{number}", [last])
        branch(conditions, f"b{number}", last)
        last = (f"b{number}", "then")
    conditions.add("deep", [last])
    assert all(has(conditions, "deep", f"n{number}") for number in range(50))
    assert not has(conditions, "n3", "n7")


def test_two_handles_of_one_branch_never_meet(conditions):
    """Joined by all, two arms are a contradiction, also where one of them is further out."""
    conditions.add("never", [("a", "then"), ("a", "else")])
    branch(conditions, "b", ("a", "then"))
    conditions.add("neither", [("b", "then"), ("a", "else")])
    conditions.add("behind", [("b", "then")])
    assert conditions.runs["never"] == conditions.runs["neither"] == FALSE
    assert conditions.runs["behind"] != FALSE


def test_value_of_a_fallible_node_is_never_sure(conditions):
    """A node whose error is passed over has no sure value, and a branch of that kind no sure arm."""
    branch(conditions, "b", fallible=True)
    conditions.add("end", [("b", "then"), ("b", "else")], any_of=True)
    conditions.add("in_arm", [("b", "then")])
    assert conditions.runs["end"] != TRUE
    assert has(conditions, "in_arm", "b")
    assert has(conditions, "end", "b")
    conditions.add("other", [])
    assert not has(conditions, "other", "b")


def test_disabled_branch_is_never_taken(conditions):
    """What hangs on a disabled node never runs; joined by any, the other edges count."""
    branch(conditions, "off", disabled=True)
    conditions.add("never", [("off", "then")])
    conditions.add("either", [("off", "then"), ("a", "then")], any_of=True)
    conditions.add("there", [("a", "then")])
    assert conditions.runs["never"] == FALSE
    assert has(conditions, "there", "either")
    assert has(conditions, "either", "there")


def test_conjunction_of_disjunctions_stays_small():
    """Where writing out all combinations would explode, less is known, but what is said is true."""
    made = Conditions()
    gates = []
    for number in range(20):
        branch(made, f"x{number}", arms=("case.1", "case.2", "else"))
        made.add(f"g{number}", [(f"x{number}", "case.1"), (f"x{number}", "else")], any_of=True)
        branch(made, f"b{number}", (f"x{number}", "case.1"), (f"x{number}", "else"), any_of=True)
        gates.append((f"b{number}", "then"))
    made.add("all", gates)
    assert len(made.runs["all"]) <= MAX_TERMS
    assert all(has(made, "all", f"g{number}") for number in range(20))
    made.add("any", gates, any_of=True)
    assert not has(made, "any", "g0")


def test_wide_switch_is_exhausted():
    """Two thousand arms joined by any are still no condition."""
    made = Conditions()
    arms = tuple(f"case.{number}" for number in range(2000))
    branch(made, "s", arms=arms)
    made.add("end", [("s", arm) for arm in arms], any_of=True)
    made.add("most", [("s", arm) for arm in arms[:-1]], any_of=True)
    made.add("one", [("s", arms[5])])
    assert made.runs["end"] == TRUE
    assert made.runs["most"] != TRUE
    assert has(made, "one", "most")
    assert not has(made, "most", "one")


@pytest.mark.parametrize("size", [100, 200])
def test_cost_grows_with_the_nodes(size):
    """A ladder of branches, and a nest of them, cost so much a node, whatever their number."""

    def steps(count: int) -> int:
        made = Conditions()
        branch(made, "s0")
        made.add("top", [("s0", "then")])
        for number in range(1, count):
            last = f"s{number - 1}"
            branch(made, f"s{number}", (last, "then"), (last, "else"), any_of=True)
            branch(made, f"d{number}", ("s0", "then") if number == 1 else (f"d{number - 1}", "then"))
            assert has(made, f"d{number}", "top")
        return made.steps

    assert steps(2 * size) <= 2.1 * steps(size)
