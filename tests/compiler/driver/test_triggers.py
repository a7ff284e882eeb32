"""Triggers that are given in place of a source's own: what is wrong with them, and what goes with those that they replace."""

import json

import pytest

from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.driver import compile_source
from saltern_compiler.driver.configuration import read_configuration

SOURCE = """
pipeline door
input { n: int }
output { n: int }
secret hook = env("HOOK_SECRET")
on webhook "/own" { signature: standard, secret: hook }
return { n: input.n }
"""


def compiled(*triggers, source=SOURCE, **options):
    return compile_source(source, source_name="door.saltern", triggers=triggers, **options)


def test_a_secret_goes_with_the_trigger_that_used_it():
    """Nothing asks for it any more, and nothing says that it is unused; one that a new trigger names stays."""
    api = compiled("api")
    assert (api.has_errors, api.diagnostics, api.of_given) == (False, (), ())
    assert not any(b"HOOK_SECRET" in content for content in api.artifacts.values())
    assert [secret.name for secret in api.pipeline.secrets] == []
    named = compiled('webhook "/new" { signature: standard, secret: hook }')
    assert [secret.reference for secret in named.pipeline.secrets] == ["env:HOOK_SECRET"]


def test_a_secret_of_the_same_name_is_another_one():
    """A variable that is called as a secret of the source stands beside it, and one that the source has is the source's."""
    other = compiled('webhook "/new" { signature: standard, secret: env("HOOK") }', 'webhook "/old" { signature: standard, secret: hook }')  # fmt: skip
    assert {secret.reference for secret in other.pipeline.secrets} == {"env:HOOK", "env:HOOK_SECRET"}
    same = compiled('webhook "/new" { signature: standard, secret: env("HOOK_SECRET") }')
    assert [secret.name for secret in same.pipeline.secrets] == ["hook"]


@pytest.mark.parametrize(
    ("trigger", "code", "place"),
    [
        ('schedule "0 7 * *" { input: { n: 1 } }', "invalid-schedule", (12, 21)),
        ('schedule "0 7 * * *"', "ill-typed-setting", (0, 23)),
        ("webhok", "unknown-trigger", (0, 9)),
        ('webhook "/x" { signature: standard, secret: nowhere }', "unknown-secret", (47, 54)),
        ('schedule "', "unclosed-string", (12, 13)),
        ("", "syntax-error", (2, 2)),
        ("api\nreturn { n: 1 }", "syntax-error", (7, 22)),
        ('api\nsecret x = env("X")', "syntax-error", (7, 26)),
        ("api\0", "control-character", (6, 7)),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_is_said_at_its_own_place(trigger, code, place):
    """A line and a column of the option, not of the file; nothing is built, and the file itself is not to blame."""
    result = compiled(trigger)
    assert result.has_errors
    assert result.artifacts == {}
    assert result.diagnostics == ()
    finding = result.of_given[0]
    assert (finding.code, (finding.origin.start, finding.origin.end), finding.fixes) == (code, place, ())
    assert result.given == f"on {trigger}\n"


def test_all_that_is_wrong_is_said_at_once():
    """What is wrong with the file, at its place there; what is wrong with each trigger, in their order."""
    result = compiled("webhok", 'schedule "x" { input: { n: 1 } }', source=SOURCE.replace("input.n }", "input.m }"))
    assert [finding.code for finding in result.diagnostics] == ["unknown-field"]
    assert SOURCE[: result.diagnostics[0].origin.start].endswith("{ n: input.")
    assert sorted(finding.code for finding in result.of_given) == ["invalid-schedule", "unknown-trigger"]


def test_a_broken_source_is_what_is_told():
    """Where nothing can be known of the pipeline, its own mistake comes first."""
    result = compiled("api", source="pipeline door {")
    assert result.has_errors
    assert result.of_given == ()


def test_what_only_a_trigger_of_its_own_made_sense_of():
    """A node that answers a webhook is remarked where no trigger waits for it, at the node."""
    source = SOURCE.replace("secret: hook }", "secret: hook, respond: 5s }").replace("return", "r = respond { status: 200, body: 1 }\nreturn")  # fmt: skip
    assert compiled(source=source).diagnostics == ()
    assert [finding.code for finding in compiled("api", source=source).diagnostics] == ["unheard-respond"]


def test_severities_hold_for_them_too():
    """A configuration that makes a finding an error makes it one of a given trigger."""
    trigger = 'schedule "30 2 * * *" { time_zone: "Europe/Zurich", input: { n: 1 } }'
    loose = compiled(trigger)
    assert ([finding.code for finding in loose.of_given], loose.has_errors) == (["schedule-in-clock-change"], False)
    strict = read_configuration('[checks]\nschedule-in-clock-change = "error"\n', "saltern.toml", lambda: CODES)
    assert compiled(trigger, configuration=strict).has_errors


def test_the_places_of_a_document_are_told_apart():
    """A document's places are pointers; those of a trigger are still its own."""
    document = {"schemaVersion": 1, "name": "door", "input": {"n": "int"}, "triggers": [{"type": "api"}], "nodes": [], "edges": []}  # fmt: skip
    result = compile_source(json.dumps(document), source_name="door.json", triggers=("webhok",))
    assert [finding.code for finding in result.of_given] == ["unknown-trigger"]
