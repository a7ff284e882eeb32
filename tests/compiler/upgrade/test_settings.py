"""Settings of connections that have another name now: texts in pairs, in every notation."""

from __future__ import annotations

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.driver.upgrade import upgrade
from saltern_compiler.registry import Registry
from saltern_runtime.spec import INT, STRING, ConnectorSpec, Param

SPEC = ConnectorSpec(
    "house",
    "A house.",
    settings=(
        Param("address", STRING, required=False),
        Param("key", STRING, secret=True),
        Param("floors", INT, required=False),
    ),
    renamed={"street": "address", "token": "key"},
)
BUILT_IN = Registry.load()
KNOWN = Registry(
    nodes=[spec for name in ("set", "return") if (spec := BUILT_IN.node(name)) is not None], connectors=[SPEC]
)
PAIRS = {
    "a.saltern": """pipeline p

# the street stays in a comment
connection home = house {
  street: "street 1", token: env("KEY")  # two
  "floors": 3
}
connection other = house { "street" : "b", key: env("KEY") }
return { street: 1 }
""",
    "a.json": """{
  "schemaVersion": 1, "name": "p", "secrets": {"key": "env:KEY"},
  "connections": {
    "home": {"connector": "house", "settings": {"street": "street 1", "token" : {"$secret": "key"}, "floors": 3}},
    "other": {"connector": "house", "settings": {"street": "b", "key": {"$secret": "key"}}}
  },
  "nodes": [{"id": "return", "type": "return", "data": {"params": {"value": {"street": 1}}}}], "edges": []
}
""",
    "a.yaml": """schemaVersion: 1
name: p
secrets: { key: "env:KEY" }
connections:
  home:
    connector: house
    settings:
      street: street 1 # the street
      "token": { $secret: key }
      floors: 3
  other: { connector: house, settings: { street: b, key: { $secret: key } } }
nodes:
  - { id: return, type: return, data: { params: { value: { street: 1 } } } }
edges: []
""",
}
AFTER = {
    "a.saltern": [('street: "street 1"', 'address: "street 1"'), ("token:", "key:"), ('"street" :', '"address" :')],
    "a.json": [('"street": "', '"address": "'), ('"token" :', '"key" :')],
    "a.yaml": [("street: street", "address: street"), ('"token":', '"key":'), ("street: b", "address: b")],
}
NAMED = pytest.mark.parametrize("name", PAIRS)


def after(name):
    text = PAIRS[name]
    for old, new in AFTER[name]:
        assert old in text
        text = text.replace(old, new)
    return text


@NAMED
def test_settings_get_their_new_names(name):
    """Where they stand, to the byte; comments, quotes and values stay, and a second time nothing changes."""
    made = upgrade(PAIRS[name], name, registry=KNOWN)
    assert (made.text, made.findings) == (after(name), ())
    assert made.steps == (
        "`street` of the connection `home` is `address`.",
        "`token` of the connection `home` is `key`.",
        "`street` of the connection `other` is `address`.",
    )
    again = upgrade(made.text, name, registry=KNOWN)
    assert (again.text, again.steps) == (made.text, ())


@NAMED
def test_a_check_says_the_new_name(name):
    """One finding for each old name, and none that the new one is missing; the upgraded text has none."""
    found = compile_source(PAIRS[name], source_name=name, targets=(), registry=KNOWN).diagnostics
    assert {each.code for each in found} - {"unused-connection"} == {"unknown-setting"}
    assert {each.notes for each in found if each.code == "unknown-setting"} == {
        ("It is `address` now: `saltern upgrade` writes that.",),
        ("It is `key` now: `saltern upgrade` writes that.",),
    }
    clean = compile_source(after(name), source_name=name, targets=(), registry=KNOWN).diagnostics
    assert {each.code for each in clean} <= {"unused-connection"}


def test_both_names_at_once_are_for_a_person():
    """Which of two values is meant, nobody else knows: the text stays."""
    text = 'pipeline p\nconnection a = house { street: "b", address: "c", key: env("K") }\nreturn 1\n'
    made = upgrade(text, "a.saltern", registry=KNOWN)
    assert (made.text, made.steps) == (text, ())
    (left,) = made.findings
    assert (left.code, text[left.origin.start : left.origin.end]) == ("step-by-hand", "street")
    assert left.notes == ("`street` is `address` now, which stands here already: keep one of them.",)
