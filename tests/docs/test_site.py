"""The site that is made of the pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.making.blocks import blocks
from docs.making.nodes import node_page, own_nodes
from docs.making.site import CONFIG, make_site, read_pages
from saltern_compiler.cli import main
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.expr.functions import FUNCTIONS, MACROS, METHODS
from saltern_compiler.passes.checks.triggers import TRIGGERS
from saltern_compiler.registry import Registry
from saltern_runtime.spec import NodeType

DOCS = Path(__file__).parents[2] / "docs"
REGISTRY = Registry.load()
WRITTEN = read_pages(DOCS)
SITE = make_site(WRITTEN, (DOCS / CONFIG).read_text("utf-8"), REGISTRY)
NODES = {spec.name: spec for spec in own_nodes(REGISTRY)}


def _navigation(entries: list[object]) -> list[str]:
    paths: list[str] = []
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            paths += [value] if isinstance(value, str) else _navigation(value)
    return paths


def test_every_page_is_led_to() -> None:
    """The navigation names every page but those of the codes, which their index names, and nothing else."""
    pages = {path.removeprefix("pages/") for path in SITE if path.endswith(".md")}
    codes = {f"diagnostics/{code}.md" for code in CODES}
    led_to = _navigation(tomllib.loads(SITE[CONFIG])["project"]["nav"])
    assert sorted(led_to) == sorted(pages - codes)
    assert codes <= pages
    assert [code for code in CODES if f"({code}.md)" not in SITE["pages/diagnostics/index.md"]] == []


@pytest.mark.parametrize("name", NODES)
def test_node_types_say_all_that_their_specs_say(name: str) -> None:
    """The page of a node type names its parameters with type, default and meaning, its connector and its fixed handles."""
    spec, page = NODES[name], SITE[f"pages/nodes/{name}.md"]
    assert page.startswith(f"# {name}\n\n{spec.summary}\n")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for param in spec.params:
        [row] = [row for row in rows if row.startswith(f"| `{param.name}` |") and param.doc in row]
        assert ("| required |" in row) == param.required
    assert spec.connector is None or f"connections.md#{spec.connector}" in page
    assert callable(spec.handles) or all(f"`{handle}`" in page for handle in spec.handles)


@pytest.mark.parametrize("name", NODES)
def test_node_types_have_an_example(name: str) -> None:
    """Whoever adds a node type shows how it is used, in `docs/nodes` or in the page of the construct that it is of."""
    written = WRITTEN.get(f"nodes/{name}.md", "")
    assert any(block.notation == "saltern" for block in blocks(written)) or "](../language/" in written


def test_words_on_a_node_type_that_is_gone() -> None:
    """What people wrote on node types is about node types that there are."""
    assert [path for path in WRITTEN if path.startswith("nodes/") and Path(path).stem not in NODES] == []


def test_a_change_of_a_spec_changes_its_page() -> None:
    """The page is made of the spec: another default, another page."""
    spec = NODES["set"]
    other = NodeType(name="set", summary="Something else.", result=spec.result, params=())
    assert "Something else." in node_page(other, REGISTRY)
    assert "None." in node_page(other, REGISTRY)


def test_functions_triggers_and_connectors_are_all_there() -> None:
    """The tables of the reference leave nothing out."""
    functions, triggers = SITE["pages/language/functions.md"], SITE["pages/language/triggers.md"]
    assert [name for name in (*FUNCTIONS, *METHODS, *MACROS) if not re.search(rf"[`.]{name}\(", functions)] == []
    settings = [param.name for params in TRIGGERS.values() for param in params]
    assert [name for name in settings if f"| `{name}` |" not in triggers] == []
    ours = {spec.connector for spec in NODES.values() if spec.connector}
    assert [name for name in sorted(ours) if f"\n## {name}\n" not in SITE["pages/connections.md"]] == []


def test_pictures_are_what_the_command_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The drawing below a block is what `saltern graph --format svg` prints for it."""
    block = next(block for block in blocks(WRITTEN["language/if.md"]) if "picture" in block.marks)
    source = tmp_path / "example.saltern"
    source.write_text(block.text, "utf-8")
    with pytest.raises(SystemExit):
        main(["graph", str(source), "--format", "svg"])
    drawn = capsys.readouterr().out
    assert drawn in {text for path, text in SITE.items() if path.startswith("pages/language/if-")}


def test_constructs_are_drawn() -> None:
    """Each page of a construct, which are those that the navigation has under that title, shows a picture."""
    navigation = tomllib.loads(SITE[CONFIG])["project"]["nav"]
    [constructs] = [entry["Constructs"] for entry in navigation if "Constructs" in entry]
    without = [path for path in _navigation(constructs) if not any("picture" in b.marks for b in blocks(WRITTEN[path]))]
    assert without == []


def test_hidden_words_stay_hidden() -> None:
    """Readers see neither preludes nor the words behind a notation."""
    shown = [text for path, text in SITE.items() if path.endswith(".md")]
    assert [
        text for text in shown if "<!-- prelude" in text or re.search(r"^```\w+ (?!title=)", text, re.MULTILINE)
    ] == []
    assert [text for text in shown if "<!-- settings" in text] == []
