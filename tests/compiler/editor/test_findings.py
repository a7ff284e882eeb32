"""What is wrong with a document: a code, a place, and all of it at once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltern_compiler.diagnostics.catalog import page
from saltern_compiler.frontend import MAX_CHARACTERS, read
from saltern_compiler.frontend.document import reader
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.ir.canonical import digest
from saltern_compiler.ir.verify import verify
from saltern_compiler.passes import analyze
from saltern_compiler.registry import Registry

RETURN = {"id": "return", "type": "return", "data": {"params": {"value": {"$expr": "input.a"}}}}
SET = {"id": "n", "type": "set", "data": {"params": {"value": 1}}}


def document(**changes):
    inputs = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    return {"schemaVersion": 1, "name": "p", "inputs": inputs, "nodes": [RETURN], "edges": [], **changes}


def findings(made, name="p.json"):
    _, found = read(made if isinstance(made, str) else json.dumps(made), name)
    return found


def with_data(**data):
    return document(nodes=[RETURN, {**SET, "data": {**SET["data"], **data}}])


def with_edge(**changes):
    edge = {"source": "input", "sourceHandle": "out.a", "target": "n", "targetHandle": "x", **changes}
    return document(nodes=[RETURN, SET], edges=[{key: value for key, value in edge.items() if value != "-"}])


@pytest.mark.parametrize(
    ("made", "code", "pointer"),
    [
        (document(noodles=[]), "unknown-key", "/noodles"),
        (document(schemaVersion=2), "ill-typed-key", "/schemaVersion"),
        (document(schemaVersion=True), "ill-typed-key", "/schemaVersion"),
        (document(nodes={}), "ill-typed-key", "/nodes"),
        (document(nodes=[RETURN, 5]), "ill-typed-key", "/nodes/1"),
        (document(edges=[None]), "ill-typed-key", "/edges/0"),
        (document(inputs=[]), "ill-typed-key", "/inputs"),
        (document(inputs={}), "unsupported-schema", "/inputs"),
        (
            document(inputs={"type": "object", "additionalProperties": {"type": "string"}}),
            "unsupported-schema",
            "/inputs",
        ),
        (document(secrets={"s": 1}), "ill-typed-key", "/secrets/s"),
        (document(connections={"c": {}}), "missing-key", "/connections/c"),
        (document(connections={"c": {"connector": "slack", "token": "x"}}), "unknown-key", "/connections/c/token"),
        (document(triggers=[{"type": "api", "path": "/"}]), "unknown-key", "/triggers/0/path"),
        (document(triggers="api"), "ill-typed-key", "/triggers"),
        (document(settings={"deadline": "soon"}), "ill-typed-setting", "/settings/deadline"),
        (document(settings={"dedline": 5}), "unknown-key", "/settings/dedline"),
        (document(settings={"concurrency": 5}), "ill-typed-setting", "/settings/concurrency"),
        (document(settings={"concurrency": {"key": [5]}}), "ill-typed-setting", "/settings/concurrency/key"),
        (document(settings={"concurrency": {"then": "wait"}}), "ill-typed-setting", "/settings/concurrency/then"),
        (document(settings={"concurrency": {"most": 5}}), "unknown-key", "/settings/concurrency/most"),
        (document(policy=[]), "ill-typed-policy", "/policy"),
        (document(nodes=[RETURN, {"type": "set"}]), "missing-key", "/nodes/1"),
        (document(nodes=[RETURN, {"id": "n"}]), "missing-key", "/nodes/1"),
        (document(nodes=[RETURN, {**SET, "typeVersion": "1"}]), "ill-typed-key", "/nodes/1/typeVersion"),
        (document(nodes=[RETURN, {**SET, "typeVersion": 1.5}]), "ill-typed-key", "/nodes/1/typeVersion"),
        (document(nodes=[RETURN, {**SET, "parms": {}}]), "unknown-key", "/nodes/1/parms"),
        (document(nodes=[RETURN, {"id": "start", "type": "input"}]), "reserved-id", "/nodes/1/id"),
        (with_data(disabled="yes"), "ill-typed-key", "/nodes/1/data/disabled"),
        (with_data(join="some"), "ill-typed-key", "/nodes/1/data/join"),
        (with_data(policy={"timeout": "20 s"}), "ill-typed-policy", "/nodes/1/data/policy/timeout"),
        (with_data(policy={"timeout": -1}), "ill-typed-policy", "/nodes/1/data/policy/timeout"),
        (with_data(policy={"timeout": True}), "ill-typed-policy", "/nodes/1/data/policy/timeout"),
        (with_data(policy={"retry": "often"}), "ill-typed-policy", "/nodes/1/data/policy/retry"),
        (with_data(policy={"retry": {"base": {}}}), "ill-typed-policy", "/nodes/1/data/policy/retry/base"),
        (with_data(policy={"on_error": "ignore"}), "ill-typed-policy", "/nodes/1/data/policy/on_error"),
        (with_data(policy={"priority": 1.5}), "ill-typed-policy", "/nodes/1/data/policy/priority"),
        (with_data(params={"value": {"$expr": 1}}), "malformed-value", "/nodes/1/data/params/value/$expr"),
        (with_data(params={"value": {"$expr": "a", "x": 1}}), "malformed-value", "/nodes/1/data/params/value"),
        (with_data(params={"value": {"$template": "{{ a"}}), "malformed-value", "/nodes/1/data/params/value/$template"),
        (
            with_data(params={"value": {"$template": "{{ 'a }}"}}),
            "malformed-value",
            "/nodes/1/data/params/value/$template",
        ),
        (with_data(params={"value": {"$template": "{{ + }}"}}), "syntax-error", "/nodes/1/data/params/value/$template"),
        (with_data(params={"value": [{"$expr": "1 +"}]}), "syntax-error", "/nodes/1/data/params/value/0/$expr"),
        (
            with_data(params={"value": {"$type": {"type": "x"}}}),
            "unsupported-schema",
            "/nodes/1/data/params/value/$type/type",
        ),
        (with_edge(source="helo"), "edge-to-missing-node", "/edges/0/source"),
        (with_edge(target="helo"), "edge-to-missing-node", "/edges/0/target"),
        (with_edge(target="input"), "edge-to-missing-node", "/edges/0/target"),
        (with_edge(source="-"), "missing-key", "/edges/0"),
        (with_edge(source=5), "ill-typed-key", "/edges/0/source"),
        (with_edge(sourceHandle="result"), "edge-to-missing-port", "/edges/0/sourceHandle"),
        (with_edge(sourceHandle="out."), "edge-to-missing-port", "/edges/0/sourceHandle"),
        (with_edge(targetHandle=None), "edge-to-missing-port", "/edges/0"),
        (with_edge(targetHandle="value"), "parameter-bound-twice", "/edges/0/targetHandle"),
        (with_edge(data={"kind": "control"}), "edge-to-missing-port", "/edges/0/targetHandle"),
        (with_edge(data={"kind": "control"}, targetHandle="in"), "edge-to-missing-port", "/edges/0/sourceHandle"),
        (with_edge(data={"kind": "tool"}), "unsupported-edge", "/edges/0/data/kind"),
        (with_edge(data={"kind": "resource"}), "unsupported-edge", "/edges/0/data/kind"),
        (with_edge(data={"kind": "flow"}), "ill-typed-key", "/edges/0/data/kind"),
        (with_edge(data={"order": "1"}), "ill-typed-key", "/edges/0/data/order"),
    ],
)
def test_each_offence_has_its_code_and_its_place(made, code, pointer):
    """One mistake, one finding, at the JSON Pointer where it stands."""
    assert [(each.code, each.origin.pointer) for each in findings(made)] == [(code, pointer)]


def test_a_document_that_is_no_object_is_reported():
    """A number, a text or null is JSON, but no pipeline."""
    for text in ("5", "null", '"pipeline"'):
        assert [each.code for each in findings(text)] == ["ill-typed-key"]


def test_an_empty_object_lacks_what_every_document_needs():
    """The smallest document says its version and its name."""
    assert [(each.code, each.message) for each in findings({})] == [
        ("missing-key", "the document has no `schemaVersion`"),
        ("missing-key", "the document has no `name`"),
    ]


def test_all_findings_come_at_once():
    """A broken section hides nothing that stands elsewhere, and a pipeline comes back for the checks."""
    made = document(
        noodles=1,
        secrets={"s": 5},
        inputs={"type": "object", "properties": {"a": {"pattern": "x"}, "b": {"type": "date"}}},
        nodes=[RETURN, {**SET, "data": {"params": {"value": {"$expr": "("}}, "policy": {"timeout": "x"}}}, {"id": "m"}],
        edges=[{"source": "x", "target": "n"}, {"source": "n", "target": "y"}],
    )
    pipeline, found = read(json.dumps(made), "p.json")
    assert pipeline is not None
    assert sorted(each.code for each in found) == [
        "edge-to-missing-node", "edge-to-missing-node", "edge-to-missing-port", "ill-typed-key", "ill-typed-policy", "missing-key",
        "syntax-error", "unknown-key", "unsupported-schema", "unsupported-schema",
    ]  # fmt: skip


def test_misspelt_names_come_with_the_nearest_ones_and_a_fix():
    """The fix replaces exactly the key or the id."""
    made = json.dumps(
        document(
            nodes=[RETURN, {"id": "n", "type": "set", "dta": {}}],
            edges=[{"source": "n", "target": "retrn", "targetHandle": "x"}],
        )
    )
    locator = Locator(made, "p.json")
    mended = []
    for each in findings(made):
        start, end = locator.offsets(each.fixes[0].edits[0].origin)
        mended.append((made[start:end], each.fixes[0].edits[0].text))
    assert mended == [('"dta"', '"data"'), ('"retrn"', '"return"')]


def test_edges_whose_order_is_open_are_reported_once():
    """The order of an array never counts, so it cannot decide."""
    edges = [{"source": "input", "sourceHandle": "out.a", "target": "m", "targetHandle": "value"}] * 2
    made = document(nodes=[RETURN, {"id": "m", "type": "set"}], edges=edges)
    (found,) = findings(made)
    assert (found.code, len(found.related)) == ("ambiguous-edge-order", 1)


# texts that are no documents

NOT_READ = [
    ("", "syntax-error", (0, 0)),
    (" \n", "syntax-error", (0, 0)),
    ("{", "syntax-error", (1, 1)),
    ('{"a": 1,}', "syntax-error", (8, 9)),
    ("// c\n{}", "syntax-error", (0, 1)),
    ('{"a": "x\ny"}', "syntax-error", (8, 9)),
    ('{"a": "\\ud800"}', "malformed-text", (6, 14)),
    ('{"a": "\ud800"}', "malformed-text", (6, 9)),
    ('{"\\udc00": 1}', "malformed-text", (1, 9)),
    ("[" * 100_000, "nesting-too-deep", (100, 101)),
    ('{"a":' * 100_000, "nesting-too-deep", (500, 501)),
    ("[" * 500 + "]" * 500, "nesting-too-deep", (100, 101)),
]


@pytest.mark.parametrize(("text", "code", "place"), NOT_READ)
def test_texts_that_cannot_be_read_say_where(text, code, place):
    """Whatever the text is, there is one finding with a place and no exception."""
    pipeline, (found,) = reader.read(text, False, Registry.load())
    assert pipeline is None
    assert (found.code, (found.origin.start, found.origin.end)) == (code, place)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "syntax-error"),
        ("a: [", "syntax-error"),
        ("a:\n\t- b", "syntax-error"),
        ("a: \x00", "syntax-error"),
        ("%FOO\n---\n", "syntax-error"),
        ("a: \ud800", "malformed-text"),
        ("[" * 100_000, "nesting-too-deep"),
        ("- " * 100_000, "nesting-too-deep"),
        ("a: 1\n---\nb: 2", "yaml-feature-not-allowed"),
        ("? [a]\n: b", "yaml-feature-not-allowed"),
    ],
)
def test_yaml_that_cannot_be_read_says_so(text, code):
    """The same for YAML."""
    pipeline, (found,) = reader.read(text, True, Registry.load())
    assert pipeline is None
    assert found.code == code


def test_json_within_its_limits_goes_on_past_what_is_wrong():
    """Duplicate keys and numbers that cannot be kept are reported together with everything else."""
    text = '{"schemaVersion": 1, "name": "p", "name": "q", "nodez": [], "policy": {"timeout": NaN}, "settings": {"deadline": 1e999}}'
    found = findings(text)
    assert [each.code for each in found] == [
        "duplicate-key", "number-out-of-range", "number-out-of-range", "unknown-key", "ill-typed-setting", "ill-typed-policy",
    ]  # fmt: skip
    first = found[0]
    assert text[first.origin.start : first.origin.end] == '"name"'
    assert first.related[0].origin.start == text.index('"name"')


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775809", "1" * 5000, "-Infinity"])
def test_numbers_that_64_bits_do_not_hold_are_refused(number):
    """JavaScript and JSON would carry them on with other digits."""
    (found,) = findings(json.dumps(document(ui="@")).replace('"@"', number))
    assert found.code == "number-out-of-range"


def test_yaml_aliases_are_refused_before_they_grow():
    """A billion laughs is nine findings."""
    rows = ["a0: &a0 [x]"] + [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 10)]
    found = findings("\n".join(rows), "p.yaml")
    assert sum(each.code == "yaml-feature-not-allowed" for each in found) == 81


def test_yaml_tags_and_duplicate_keys_are_refused():
    """No Python object is ever made of a document."""
    found = findings("schemaVersion: 1\nname: !!python/object/apply:os.system [x]\nname: p\n", "p.yaml")
    assert [each.code for each in found] == ["yaml-feature-not-allowed", "duplicate-key"]


def test_a_source_over_the_limit_is_refused_unread():
    """Ten megabytes are an answer within no time."""
    for name in ("p.json", "p.yaml", "p.saltern"):
        (found,) = findings(" " * (MAX_CHARACTERS + 1), name)
        assert found.code == "source-too-large"


def test_a_file_of_another_name_is_refused():
    """The notation is told by the suffix alone."""
    assert [each.code for each in findings("{}", "p.txt")] == ["unknown-source-format"]


def test_a_byte_order_mark_is_no_syntax_error():
    """Windows editors write one."""
    assert findings("\ufeff" + json.dumps(document())) == []
    assert findings("\ufeffschemaVersion: 1\nname: p\n", "p.yaml") == []


def test_a_thousand_mistakes_do_not_take_a_thousand_searches():
    """Suggestions stop when too many names were compared; findings do not."""
    nodes = [RETURN, *({**SET, "id": f"node_{at}"} for at in range(2000))]
    edges = [{"source": f"nod_{at}", "target": "return", "targetHandle": "x"} for at in range(2000)]
    found = findings(document(nodes=nodes, edges=edges))
    assert len(found) == 2000
    assert 0 < sum(bool(each.fixes) for each in found) < 50


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["out", "then", "case.x", "return", "input", "set", "foreach", "group", "n", "1h", "input.a +"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "type", "data", "params", "source", "target", "sourceHandle", "kind", "parentId", "$expr", "$type", "$template",
             "policy", "retry", "value", "properties", "x"]
        ) | st.text(max_size=3),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(
    st.sampled_from(
        ["nodes", "edges", "inputs", "outputs", "secrets", "connections", "triggers", "settings", "policy"]
    ),
    JUNK,
)
def test_no_document_raises(section, junk):
    """Whatever stands where: findings with places, and what comes back is sound."""
    for value in (junk, [junk], {"n": junk}):
        text = json.dumps(document(**{section: value}))
        pipeline, found = read(text, "p.json")
        locator = Locator(text, "p.json")
        for each in found:
            locator.offsets(each.origin)
        if pipeline is not None:
            verify(pipeline)
            digest(pipeline)


@settings(max_examples=150)
@given(st.text(max_size=60), st.booleans())
def test_no_text_raises(text, yaml):
    """Any characters at all."""
    _, found = reader.read(text, yaml, Registry.load())
    locator = Locator(text, "p.yaml" if yaml else "p.json")
    for each in found:
        locator.offsets(each.origin)


OWN_PAGES = [
    "ambiguous-edge-order", "edge-to-missing-node", "edge-to-missing-port", "ill-typed-key", "malformed-text", "malformed-value",
    "missing-key", "parameter-bound-twice", "unknown-key", "unknown-parent", "unsupported-schema", "yaml-feature-not-allowed",
]  # fmt: skip


@pytest.mark.parametrize("code", OWN_PAGES)
def test_the_page_of_each_code_shows_it_and_how_to_mend_it(code):
    """The example has this finding and no other; what to use instead has none."""
    blocks = page(code).example, page(code).use_instead
    found = []
    for block in blocks:
        pipeline, diagnostics = read(block.text, f"p.{block.notation}")
        checked = () if pipeline is None else analyze(pipeline, Registry.load(), {}).diagnostics
        found.append([each.code for each in (*diagnostics, *checked)])
    assert found == [[code], []]


def test_no_key_is_offered_that_is_there_already():
    """A fix that writes it a second time would break the document."""
    node = {"id": "n", "type": "set", "data": {"params": {"value": 1}}, "data2": 1}
    _, findings = read(json.dumps({"schemaVersion": 1, "name": "p", "nodes": [node]}), "p.json")
    assert [(each.code, each.fixes) for each in findings] == [("unknown-key", ())]
