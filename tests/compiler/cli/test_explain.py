"""`saltern explain`: the passes, what each is good for, the pipeline between them."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ELIDED = ROOT / "tests/targets/cases/elided_case.saltern"
TOTALS = ROOT / "examples/order_totals/order_totals.saltern"


def test_the_plan_names_what_is_not_run(saltern):
    """Nodes that no stage runs stand below the stages, with the pass and the reason; at -O0 there are none."""
    code, out, _ = saltern("explain", ELIDED)
    assert code == 0
    assert "\nnot run\n" in out
    assert re.search(r"\n  twice +common_subexpressions  it is the same as again\n", out)
    assert "not run" not in saltern("explain", "-O0", ELIDED)[1]


def test_receipts(saltern):
    """A table of the plan before and after each pass, then what each did."""
    code, out, _ = saltern("explain", "--passes", ELIDED)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["nodes", "stages", "path", "round", "trips", "kept", "at", "most"]
    assert [line.split()[0] for line in lines[1:8]] == [
        "as", "without_disabled", "constant_folding", "branch_pruning", "canonicalize", "common_subexpressions", "dead_nodes",
    ]  # fmt: skip
    assert re.search(r"\n  loud +not run  speaks always takes `else`, so no run comes here\n", out)
    assert re.search(r"\n  limit +`value`: 2 \* 3 \+ 1 is 7\n", out)


def test_receipts_for_programs(saltern):
    """The same as JSON, a pass an object."""
    code, out, _ = saltern("explain", "--passes", "--format", "json", TOTALS)
    found = json.loads(out)
    assert code == 0
    assert [each["pass"] for each in found][:2] == ["without_disabled", "constant_folding"]
    assert found[0]["before"]["nodes"] == 15
    assert found[0]["before"]["path"][-1] == "return"
    assert found[0]["before"] == found[-1]["before"]
    assert (found[-1]["pass"], found[-1]["after"]["stages"]) == ("stage_fusion", 2)


def test_the_pipeline_after_a_pass(saltern):
    """It is printed as passes see it; the source's own notation is `saltern fmt`'s."""
    code, out, _ = saltern("explain", "--print-after", "dead_nodes", ELIDED)
    assert code == 0
    assert out.startswith("pipeline elided_case\n  input { n: int, names: list<string> }\n")
    assert "limit =" not in out
    assert "limit = set@1" in saltern("explain", "--print-after", "types", ELIDED)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--print-after", "dead_node"), "there is no pass 'dead_node'. Did you mean `dead_nodes` or"),
        (("--print-after", "zzz"), "there is no pass 'zzz'. There are"),
        (("--print-after", "dead_nodes", "-O0"), "the pass 'dead_nodes' does not run at -O0"),
        (("--format", "json"), "--format json is for --passes"),
    ],
)
def test_misuse(saltern, words, said):
    """What cannot be shown is said, with what was meant."""
    code, out, err = saltern("explain", *words, TOTALS)
    assert (code, out) == (2, "")
    assert said in err


def test_passes_of_a_code_are_misuse(saltern):
    """A diagnostic code has a page, and no passes."""
    for words in (("--passes",), ("--print-after", "types")):
        code, out, err = saltern("explain", *words, "unknown-name")
        assert (code, out) == (2, "")
        assert "no pipeline" in err


def test_a_pipeline_with_mistakes_has_findings_alone(saltern, tmp_path):
    """What is wrong is shown, and nothing of passes."""
    source = tmp_path / "a.saltern"
    source.write_text("pipeline a\nreturn nowhere\n")
    code, out, err = saltern("explain", "--passes", "--print-after", "types", source)
    assert (code, out) == (1, "")
    assert "unknown-name" in err


def test_receipts_say_what_was_asked_once(saltern, tmp_path):
    """`explain --passes` has the pass with its figures, `bounds` a call less."""
    path = tmp_path / "reads.saltern"
    path.write_text(
        'pipeline reads\noutput { a: int }\nconnection shop = http { base_url: "https://shop.example.com" }\n'
        'one = http.request(shop) { url: "/x" }\ntwo = http.request(shop) { url: "/x" }\nreturn { a: one.status + two.status }\n'
    )
    found = json.loads(saltern("explain", "--passes", "--format", "json", "-O2", path)[1])
    (receipt,) = [each for each in found if each["pass"] == "common_reads"]
    assert [receipt[at]["stages"] for at in ("before", "after")] == [3, 2]
    assert receipt["not_run"] == [
        {"node": "two", "because": "it reads the same as one", "like": "one", "skipped": False}
    ]
    calls = [
        json.loads(saltern("bounds", "--json", f"-O{level}", path)[1])["amounts"]["calls:shop"] for level in (1, 2)
    ]
    assert [each["value"] for each in calls] == [2, 1]


def test_what_runs_together_is_printed_as_what_a_pass_makes(saltern):
    """The pipeline after all passes, and its stages; at -O0, where nothing runs together, that is said."""
    code, out, _ = saltern("explain", "--print-after", "stage_fusion", TOTALS)
    assert code == 0
    assert out.startswith("pipeline order_totals\n")
    assert [line.split(":")[0] for line in out.splitlines() if line.startswith("  stage ")] == [
        "  stage subtotal",
        "  stage return",
    ]
    code, _, err = saltern("explain", "--print-after", "stage_fusion", "-O0", TOTALS)
    assert (code, "does not run at -O0" in err) == (2, True)


def test_what_is_alike_for_all_stages_is_said_once(saltern):
    """Each stage says what is its own."""
    out = saltern("explain", TOTALS)[1]
    shared, *stages = re.split(r"\nstage ", out)
    assert "\nevery stage\n" in shared
    for what in ("priority", "ttl", "on_error", "on_ambiguous", "cache", "lease"):
        assert [f"\n  {what} " in part for part in (shared, *stages)] == [True, *[False] * len(stages)]
    assert all("\n  nodes " in part for part in stages)
