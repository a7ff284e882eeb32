"""`saltern graph`: pictures that show what a pipeline does, and are drawn the same every time."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from saltern_compiler.cli import main
from saltern_compiler.drawing.dot import draw_dot
from saltern_compiler.drawing.layered import Link, place
from saltern_compiler.drawing.mermaid import draw_mermaid
from saltern_compiler.drawing.model import Graph, graph_of
from saltern_compiler.drawing.stages import staged
from saltern_compiler.drawing.svg import draw_svg
from saltern_compiler.drawing.text import fit, width
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend import read
from saltern_compiler.registry import Registry

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(ROOT.glob("examples/*/*.saltern"))
SVG = "{http://www.w3.org/2000/svg}"


def _graph(text: str) -> Graph:
    pipeline, findings = read("pipeline p\n" + text, "a.saltern")
    assert pipeline is not None, findings
    return graph_of(pipeline, Registry.load())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_pictures_of_the_examples(path: Path) -> None:
    """The picture beside an example is the picture of it: `saltern graph X.saltern -o X.svg --force`."""
    pipeline, _ = read(path.read_text("utf-8"), path.name)
    assert pipeline is not None
    drawn = draw_svg(graph_of(pipeline, Registry.load()), pipeline.name)
    assert path.with_suffix(".svg").read_text("utf-8") == drawn


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_boxes_do_not_overlap(path: Path) -> None:
    """No box lies on another, except in its region; no text is wider than its box."""
    root = ET.fromstring(path.with_suffix(".svg").read_text("utf-8"))
    boxes = []
    for group in root.iter(f"{SVG}g"):
        for rect in group.findall(f"{SVG}rect"):
            x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
            boxes.append((x, y, x + w, y + h))
            for text in group.findall(f"{SVG}text"):
                assert float(text.attrib["x"]) + float(text.attrib["textLength"]) <= x + w
    for one, two in itertools.combinations(boxes, 2):
        apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
        inside = one[0] < two[0] and one[1] < two[1] and one[2] > two[2] and one[3] > two[3]
        assert apart or inside


def test_lines_say_what_they_carry() -> None:
    """A data line names the fields that are read, a control line the handle, and `after` is said where nothing else is."""
    graph = _graph(
        """
        input { a: string, b: string }
        x = set { value: { p: input.a, q: input.b } }
        y = switch input.a { "on" => { z = set after x { value: 1 } } }
        w = set when any(y.case.on, y.else) { value: 1 }
        """
    )
    said = {(each.source, each.target): (each.kind, each.label) for each in graph.arrows}
    assert said == {
        ("input", "x"): ("data", "a, b"),
        ("input", "y"): ("data", "a"),
        ("y", "z"): ("control", "on"),
        ("x", "z"): ("after", "after"),
        ("y", "w"): ("control", "any: on, else"),
    }


def test_regions_are_boxes_with_boxes_in_them() -> None:
    """A foreach holds the graph of its body; what the body reads from outside leads to the region."""
    graph = _graph(
        "input { l: list<int>, k: int }\nr = foreach i in input.l {\n v = set { value: i + input.k }\n yield v\n}"
    )
    region = next(box for box in graph.boxes if box.id == "r")
    assert region.inner is not None
    assert [box.title for box in region.inner.boxes] == ["v", "yield"]
    assert [(each.source, each.target, each.label) for each in graph.arrows] == [("input", "r", "l, k")]


EVIL = '</text><script>alert(1)</script> "quote" ]] --> {{ }} `x` \\ | # ; \u202e & <b>'


def test_constructs_are_drawn_as_what_they_are() -> None:
    """A loop says its condition, a try and a parallel are their parts beside each other, an error has a line of its own."""
    graph = _graph(
        "w = while s = { n: 0 }, s.n < 3, at most 5 { next { n: s.n + 1 } }\n"
        "t = try { yield 1 } catch e { yield e.attempts }\n"
        "r = parallel, join any { a => { yield 1 } b => { yield 2 } }\n"
    )
    boxes = {box.id: (box.kind, box.type, box.detail) for box in graph.boxes}
    assert boxes["w"] == ("region", "while", "as long as s.n < 3")
    assert (boxes["t/attempt"][0], boxes["t/catch"]) == ("region", ("region", "catch", "failure as e"))
    assert (boxes["r/a"][0], boxes["r"]) == ("region", ("node", "parallel", "any"))
    loop = next(box for box in graph.boxes if box.id == "w")
    assert loop.inner is not None
    assert [box.id for box in loop.inner.boxes] == ["w/next"]
    lines = {(arrow.source, arrow.target): arrow.kind for arrow in graph.arrows}
    assert lines["t/attempt", "t/catch"] == "control"
    assert lines["t/attempt", "t"] == lines["r/b", "r"] == "data"


def test_a_call_says_what_it_calls() -> None:
    """A call is one box, whatever it calls: what stands inside is drawn where it is written."""
    graph = _graph('use score = "./score.saltern"\ns = call score { text: "hello" } with { crm: billing }\nreturn s\n')
    boxes = {box.id: box for box in graph.boxes}
    assert (boxes["s"].type, boxes["s"].detail, boxes["s"].inner) == ("call score", "hello", None)


def test_text_is_escaped() -> None:
    """Whatever an author writes stays text: the SVG parses and has no element of the author's, Mermaid and DOT have their quotes closed."""
    escaped = EVIL.replace("\\", "\\\\").replace('"', '\\"')
    graph = _graph(
        f'input {{ a: string }}\n@label("{escaped}")\nx = switch input.a {{ "{escaped}" => {{ y = set {{ value: 1 }} }} }}'
    )
    svg = draw_svg(graph, EVIL)
    root = ET.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert not list(root.iter(f"{SVG}b"))
    assert "\u202e" not in svg
    mermaid = draw_mermaid(graph)
    assert "<script>" not in mermaid
    assert all(line.count('"') % 2 == 0 for line in mermaid.splitlines())
    for line in draw_dot(graph, EVIL).splitlines():
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0


def test_layers_go_from_left_to_right() -> None:
    """Every link leads to the right, a long one goes around what lies between, and a circle does no harm."""
    sizes = dict.fromkeys("abcd", (100.0, 50.0))
    placed = place(sizes, [Link("a", "b"), Link("b", "c"), Link("a", "c"), Link("d", "d")])
    assert placed.boxes["a"][0] < placed.boxes["b"][0] < placed.boxes["c"][0]
    (_, y), _ = placed.lines[2].through[0]
    top = placed.boxes["b"][1]
    assert not top <= y <= top + 50
    assert place({"a": (1, 1), "b": (1, 1)}, [Link("a", "b"), Link("b", "a")]).size[0] > 1


def test_untangling() -> None:
    """Boxes of a layer are put in an order that saves crossings."""
    sizes = dict.fromkeys("abxy", (10.0, 10.0))
    placed = place(sizes, [Link("a", "y"), Link("b", "x")])
    assert (placed.boxes["a"][1] < placed.boxes["b"][1]) == (placed.boxes["y"][1] < placed.boxes["x"][1])


def test_text_is_cut_to_its_room() -> None:
    """A text that is too long ends in an ellipsis and fits."""
    cut = fit("many words " * 20, 12, 100)
    assert cut.endswith("…")
    assert width(cut, 12) <= 100
    assert fit("a\nb\tc", 12, 100) == "a b c"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The format follows the suffix or --format; a file that is there stays unless --force is given."""
    source = ROOT / "examples/order_totals/order_totals.saltern"

    def call(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["graph", str(source), *map(str, arguments)])
        return int(stopped.value.code or 0), "".join(capsys.readouterr())

    assert call("--format", "mermaid")[1].startswith("flowchart LR\n")
    assert call("-o", tmp_path / "a.dot")[0] == 0
    assert (tmp_path / "a.dot").read_text().startswith('digraph "order_totals" {')
    assert call("-o", tmp_path / "a.dot")[0] == 2
    assert call("-o", tmp_path / "a.dot", "--force", "--format", "svg")[0] == 0
    assert (tmp_path / "a.dot").read_text().startswith("<svg ")


STAGES = """
pipeline framed
input { n: int, rows: list<int> }
connection web = http { base_url: "https://a.example" }
twice = set { value: input.n * 2 }
is_large = if twice > 10 { large = set { value: twice } }
page = http.request(web) { url: `/{{ twice }}` }
each = foreach row in input.rows {
  more = set { value: row + 1 }
  sent = http.request(web) { url: `/{{ more }}` }
  yield sent.status
}
sum = set { value: merge(large, 0) + page.status }
return { sum: sum, each: each }
"""


def _staged(level: int) -> Graph:
    result = compile_source(STAGES, source_name="framed.saltern", targets=(), optimize=level)
    assert result.plan is not None, result.diagnostics
    return staged(graph_of(result.plan.pipeline, Registry.load()), result.plan)


def test_a_frame_around_each_stage() -> None:
    """The nodes of a stage stand in a frame, those of a body too; lines begin and end at frames, and say whose value they carry."""
    graph = _staged(1)
    boxes = {box.id: box for box in graph.boxes}
    frames = {
        name: [box.id for box in box.inner.boxes] for name, box in boxes.items() if box.kind == "stage" and box.inner
    }
    assert frames == {"stage page": ["twice", "page"], "stage return": ["is_large", "large", "sum", "return"]}
    each = boxes["each"].inner
    assert each is not None
    assert [box.id for box in each.boxes] == ["stage each/sent", "each/yield"]
    known = {box.id for box in graph.boxes}
    assert all({arrow.source, arrow.target} <= known and arrow.source != arrow.target for arrow in graph.arrows)


def test_no_frame_around_a_node_alone() -> None:
    """At -O0 there is nothing to frame: the picture is the pipeline's own."""
    result = compile_source(STAGES, source_name="framed.saltern", targets=(), optimize=0)
    assert result.plan is not None
    plain = graph_of(result.plan.pipeline, Registry.load())
    assert [box.id for box in _staged(0).boxes] == [box.id for box in plain.boxes]
    assert draw_svg(_staged(0), "x").count('class="stage"') == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [("a.svg", 'class="stage"'), ("a.mmd", "stage return: 12 nodes"), ("a.dot", '"cluster stage return"')],
)
def test_stages_in_each_format(tmp_path: Path, name: str, says: str) -> None:
    """`--stages` draws frames in whatever is drawn."""
    source = str(ROOT / "examples/order_totals/order_totals.saltern")
    with pytest.raises(SystemExit) as ended:
        main(["graph", source, "--stages", "-o", str(tmp_path / name)])
    assert not ended.value.code
    assert says in (tmp_path / name).read_text("utf-8")


def test_stages_of_a_pipeline_with_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a plan there are no stages: what is wrong is said."""
    (tmp_path / "a.saltern").write_text("pipeline a\nx = set { value: nobody }\n")
    with pytest.raises(SystemExit) as ended:
        main(["graph", str(tmp_path / "a.saltern"), "--stages"])
    assert ended.value.code == 1
    assert "nobody" in capsys.readouterr().err
