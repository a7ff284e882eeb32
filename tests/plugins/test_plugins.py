"""A third party's distribution adds a node type, a connector, a target and pages, and is named where it goes wrong."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from textwrap import dedent

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.registry import GROUPS, ClashError, PluginError, Registry
from tests.support.plugins import install

pytest.importorskip("hatchling", reason="the test group of pyproject.toml has it")

DEMO = Path(__file__).parent / "demo"
PARTY = """
    pipeline party

    input { guest: string }
    output { text: string, letters: int }

    connection house = demo { salutation: "Good evening", signature: env("SIGNATURE") }

    hello = demo.greet(house) { name: input.guest }
    louder = demo.greet(house) { name: hello.text, loud: true }
    return { text: louder.text, letters: hello.letters }
"""
PLAIN = "pipeline plain\ninput { a: string }\nreturn { a: input.a }\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Install the plugin into a folder, as its wheel says."""
    return install(DEMO, tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def saltern(site, tmp_path):
    """Call the command line where the plugin is installed, and further folders beside it."""

    def call(*arguments, beside=(), stdin=None, **env):
        path = os.pathsep.join(map(str, (site, *beside)))
        command = [sys.executable, "-c", "from saltern_compiler.cli import main; main()", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **env}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True, check=False
        )

    def write(text, name="plain.saltern"):
        (tmp_path / name).write_text(dedent(text))
        return name

    call.write = write
    return call


def registry(*folders):
    """Return the registry of what is installed in these folders."""
    every = metadata.distributions(path=[str(folder) for folder in folders])
    return Registry.from_entry_points(point for each in every for point in each.entry_points)


@pytest.fixture
def other(tmp_path):
    """Install another distribution by hand: `other(name, entry_points, module_text)` returns its folder."""

    def install(name, lines, module=""):
        folder = tmp_path / f"site-{name}"
        info = folder / f"{name}-7.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 7.1\n")
        (info / "entry_points.txt").write_text(dedent(lines))
        (folder / f"{name}_module.py").write_text(dedent(module))
        return folder

    yield install
    for name in [each for each in sys.modules if each.endswith(("_module", "_pages")) and is_below(each, tmp_path)]:
        del sys.modules[name]


def is_below(name, folder):
    """Whether a module was imported from a folder."""
    return str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder))


def test_a_pipeline_of_a_plugin_compiles_and_runs(saltern, tmp_path):
    """Its node is called by its own module's name, its class annotates, its distribution is pinned, its target writes a file."""
    source = saltern.write(PARTY, "party.saltern")
    built = saltern("build", source, "-o", "tree", "--target", "celery", "--target", "demo_guests")
    assert (built.returncode, built.stderr) == (0, "")
    tree = tmp_path / "tree"
    assert (tree / "GUESTS.txt").read_text() == "hello\nlouder\n"
    assert "## Guests" in (tree / "README.md").read_text()
    nodes = (tree / "party/nodes.py").read_text()
    assert (
        "from saltern_demo import greet\nfrom saltern_demo.greet import Greeting\nfrom saltern_runtime import" in nodes
    )
    assert "def louder(ctx: Context, *, hello: Greeting) -> Greeting:" in nodes
    assert "    return greet.greet(ctx, name=hello.text, loud=True)\n" in nodes
    pinned = ["saltern-runtime[worker]==0.1.0", "saltern-demo[voice]==1.2"]
    assert tomllib.loads((tree / "pyproject.toml").read_text())["project"]["dependencies"] == pinned
    assert (tree / "requirements.txt").read_text().splitlines()[-2:] == pinned
    ran = saltern("run", source, "--input", "-", stdin=json.dumps({"guest": "Ada"}), SIGNATURE="S.")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"text": "GOOD EVENING, GOOD EVENING, ADA! S.! S.", "letters": 3}


def test_steps_of_a_plugin_are_taken(saltern, tmp_path):
    """Its nodes of old versions become those of the newest one, which builds and runs; a finding about them has the step as its fix."""
    old = """
        pipeline party
        hello = demo.tell { text: "hi", loud: true }
        return hello.said
    """
    fixed = saltern("check", "--fix", saltern.write(old, "fixed.saltern"))
    assert (fixed.returncode, "no findings" in fixed.stdout) == (0, True)
    source = saltern.write(old, "party.saltern")
    assert saltern("upgrade", source).returncode == 0
    text = (tmp_path / source).read_text()
    assert 'hello = demo.tell@3 { message: "hi", tone: "loud", times: 1 }' in text
    assert text == (tmp_path / "fixed.saltern").read_text()
    ran = saltern("run", source, "--input", "-", stdin="{}")
    assert (ran.returncode, ran.stdout) == (0, '"HI"\n'), ran.stderr


def test_a_step_that_fails_is_the_plugins(saltern, other):
    """Whatever it raises is reported with the distribution's name and version, and nothing is written."""
    module = """
        from saltern_runtime.spec import STRING, NodeType, Step
        OLD = NodeType(name="acme.ask", summary="", result=STRING, call="acme_module:ask", deprecated="Old.")
        NEW = NodeType(name="acme.ask", summary="", result=STRING, call="acme_module:ask", version=2, steps=(Step(1, "It.", lambda bound: 1 / 0),))
    """
    folder = other("acme", "[saltern.node_types]\nacme.ask = acme_module:OLD\nacme.ask@2 = acme_module:NEW\n", module)
    source = saltern.write("pipeline p\na = acme.ask {}\nreturn a\n")
    failed = saltern("upgrade", source, beside=[folder])
    assert failed.returncode == 2
    assert "acme 7.1 offers 'acme.ask@2', but its `step from 1` failed: ZeroDivisionError" in failed.stderr


def test_a_connector_that_only_a_body_uses_is_required(saltern, other):
    """Its distribution is pinned however deep the node stands that uses it, and whoever offers that node."""
    module = """
        from saltern_runtime.spec import STRING, NodeType
        NODE = NodeType(name="acme.ask", summary="", result=STRING, connector="demo", call="acme_module:ask")
    """
    folder = other("acme", "[saltern.node_types]\nacme.ask = acme_module:NODE\n", module)
    source = saltern.write("""
        pipeline deep
        connection house = demo { signature: env("SIGNATURE") }
        all = foreach row in [["a"]] {
          inner = foreach url in row {
            page = acme.ask(house) {}
            yield page
          }
          yield inner
        }
        return all
    """)
    done = saltern("explain", source, beside=[folder])
    assert "saltern-demo==1.2" in done.stdout, done.stdout + done.stderr


def test_the_plan_names_the_plugin_and_is_pinned_to_its_version(saltern, site, tmp_path):
    """`saltern explain` shows it; another version gives another plan of the same pipeline."""
    source = saltern.write(PARTY, "party.saltern")
    told = saltern("explain", source).stdout
    assert "requires saltern-demo[voice]==1.2" in " ".join(told.split())
    newer = tmp_path / "newer"
    for path in [each for each in site.rglob("*") if each.is_file()]:
        copy = newer / str(path.relative_to(site)).replace("-1.2.", "-1.3.")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes().replace(b"Version: 1.2\n", b"Version: 1.3\n"))
    later = saltern("explain", source, PYTHONPATH=str(newer)).stdout
    assert "saltern-demo[voice]==1.3" in later
    plan = [next(line for line in text.splitlines() if "  plan " in line) for text in (told, later)]
    assert plan[0] != plan[1]


@pytest.mark.parametrize("code", ["demo-nobody", "demo-breathless"])
def test_a_plugin_explains_its_own_codes(saltern, code):
    """`saltern explain` prints its page; the page's example has exactly that finding, and what to use instead has none."""
    page = saltern("explain", code)
    assert page.returncode == 0
    assert page.stdout.startswith(f"# {code}\n")
    example, instead = (part.split("```")[0] for part in page.stdout.split("```saltern\n")[1:])
    bad = saltern("check", saltern.write(example, "bad.saltern"), "--format", "json")
    assert bad.returncode == 1
    assert [each["code"] for each in json.loads(bad.stdout)["diagnostics"]] == [code]
    good = saltern("check", saltern.write(instead, "good.saltern"))
    assert good.returncode == 0, good.stderr


def test_a_code_of_a_plugin_is_suggested(saltern):
    """A misspelt code finds the plugin's, as it finds a built-in one."""
    done = saltern("explain", "demo-nobdy")
    assert done.returncode == 2
    assert "Did you mean `demo-nobody`?" in done.stderr


def test_a_plugin_says_how_bad_a_finding_is(saltern):
    """Its declaration makes it a warning, and is what explains a code without a page."""
    source = saltern.write(PARTY.replace("input.guest", '"ADA"'), "party.saltern")
    done = saltern("check", source, "--format", "json")
    found = [(each["code"], each["severity"]) for each in json.loads(done.stdout)["diagnostics"]]
    assert (done.returncode, found) == (0, [("demo-capitals", "warning")])
    page = saltern("explain", "demo-capitals").stdout
    assert page == "# demo-capitals\n\nWarns of a greeting whose `name` is in capitals.\n"


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("saltern.node_types", "demo.greet"),
        ("saltern.node_types", "demo.greet@1"),
        ("saltern.connectors", "demo"),
        ("saltern.targets", "demo_guests"),
        ("saltern.diagnostics", "demo"),
    ],
)
def test_a_clash_names_both_distributions(site, other, group, name):
    """Whichever comes first on the path, nothing compiles until one of them is gone."""
    rival = other("rival", f"[{group}]\n{name} = rival_module:X\n")
    for path in ([site, rival], [rival, site]):
        with pytest.raises(
            ClashError, match=r"offered by both rival 7\.1 and saltern-demo 1\.2; uninstall one of them"
        ):
            registry(*path)


def test_one_name_may_stand_for_a_node_type_a_connector_and_a_target(other):
    """They are never looked up together, so these do not clash."""
    groups = ("node_types", "connectors", "targets", "diagnostics")
    found = registry(other("all", "".join(f"[saltern.{group}]\nsame = all_module:X\n" for group in groups)))
    assert found.node_names() == found.connector_names() == found.target_names() == ("same",)


@pytest.mark.parametrize(("group", "name"), [("targets", "python"), ("connectors", "slack"), ("node_types", "set")])
def test_nothing_built_in_can_be_replaced(saltern, other, group, name):
    """It is misuse of the installation, told in a sentence that names both."""
    rival = other("rival", f"[saltern.{group}]\n{name} = nothing:X\n")
    done = saltern("check", saltern.write(PLAIN), beside=[rival])
    assert done.returncode == 2
    assert "is offered by both rival 7.1 and saltern" in done.stderr
    assert "Traceback" not in done.stderr


BROKEN = {
    "import": ("import no_such_sdk\n", "loading broken_module:NODE failed: ModuleNotFoundError"),
    "check": ('NODE = made(check=lambda bound: {}["what"])', "its `check` failed: KeyError: 'what'"),
    "lazy check": ("NODE = made(check=lambda bound: (each.x for each in [1]))", "its `check` failed: AttributeError"),
    "result": ("NODE = made(result=lambda bound: bound.types['x'])", "its `result` failed: KeyError: 'x'"),
    "code": (
        "from saltern_runtime.spec import Problem\nNODE = made(check=lambda bound: [Problem('x', 'm', code='broken-x')])",
        "reports 'broken-x', which is declared nowhere",
    ),
    "effect": ("NODE = made(effect=lambda bound: 1 / 0)", "its `effect` failed: ZeroDivisionError"),
}
MADE = """
from saltern_runtime.spec import ANY, NodeType
def made(**more):
    return NodeType(**{"name": "broken.node", "summary": "", "result": ANY, "call": "broken_module:f", **more})
"""


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_is_named(other, monkeypatch, how):
    """Whoever uses it reads whose it is; whoever does not is not troubled."""
    module, words = BROKEN[how]
    folder = other("broken", "[saltern.node_types]\nbroken.node = broken_module:NODE\n", MADE + module)
    monkeypatch.syspath_prepend(str(folder))
    points = [point for group in GROUPS for point in metadata.entry_points(group=group)]
    known = Registry.from_entry_points(points)
    with pytest.raises(PluginError) as caught:
        compile_source("pipeline p\nx = broken.node {}\nreturn x\n", source_name="p.saltern", registry=known)
    assert "broken 7.1 offers 'broken.node" in str(caught.value)
    assert words in str(caught.value)
    assert not compile_source(PLAIN, source_name="p.saltern", registry=known).has_errors


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ZeroDivisionError('by zero')", "its `emit` failed: ZeroDivisionError: by zero"),
        ("return {'../up': b''}", "emits '../up', which is no path of a tree"),
        (
            "return {f'{plan.pipeline.name}/nodes.py': b''}",
            "emits 'plain/nodes.py', and so does the target broken of broken 7.1",
        ),
    ],
)
def test_a_broken_target_is_named(saltern, other, tmp_path, body, words):
    """What it raises, where it would write, and what it would overwrite: nothing is written."""
    module = f"""
        from saltern_compiler.target import Target
        def emit(plan, options):
            {body}
        TARGET = Target(name="broken", summary="", emit=emit, needs=("python",))
    """
    folder = other("broken", "[saltern.targets]\nbroken = broken_module:TARGET\n", module)
    source = saltern.write(PLAIN)
    done = saltern("build", source, "-o", "tree", "--target", "broken", beside=[folder])
    assert done.returncode == 2
    assert "broken 7.1" in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize(
    ("value", "words"), [("no_such_package", "ModuleNotFoundError"), ("json", "FileNotFoundError")]
)
def test_pages_that_cannot_be_read_are_named(other, value, words):
    """A package that is not there, or that has no pages."""
    with pytest.raises(PluginError, match=rf"ours 7\.1 offers 'ours' in saltern\.diagnostics, but .*{words}"):
        registry(other("ours", f"[saltern.diagnostics]\nours = {value}\n")).page("ours-oops")


def test_a_page_under_another_prefix_is_an_error(other, monkeypatch):
    """So no plugin explains what another one reports."""
    folder = other("ours", "[saltern.diagnostics]\nours = ours_pages\n")
    (folder / "ours_pages/docs").mkdir(parents=True)
    (folder / "ours_pages/__init__.py").touch()
    (folder / "ours_pages/docs/unknown-name.md").write_text("# unknown-name\n")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(PluginError, match=r"ours 7\.1 .* explains 'unknown-name', which does not begin with `ours-`"):
        registry(folder).codes()


def test_a_page_of_a_code_that_is_not_declared_is_an_error(other, monkeypatch):
    """Declarations say how bad a finding is, so that none is guessed."""
    folder = other("ours", "[saltern.diagnostics]\nours = ours_pages\n")
    (folder / "ours_pages/docs").mkdir(parents=True)
    (folder / "ours_pages/__init__.py").touch()
    (folder / "ours_pages/docs/ours-oops.md").write_text("# ours-oops\n")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(PluginError, match=r"ours 7\.1 .* CODES do not declare 'ours-oops'"):
        registry(folder).codes()


def test_a_pipeline_does_not_take_the_name_of_a_plugin(saltern):
    """A package of that name would hide the plugin's own from the generated code."""
    named = PARTY.replace("pipeline party", "pipeline saltern_demo")
    done = saltern("check", saltern.write(named))
    assert done.returncode == 1
    assert "the pipeline cannot be named `saltern_demo`" in done.stdout
    assert "Replace by `saltern_demo_pipeline`" in done.stdout


@pytest.mark.parametrize("name", ["acme_module", "acme", "acme_sdk"])
def test_a_pipeline_does_not_take_a_name_that_its_connector_brings(other, monkeypatch, name):
    """Neither that of the module or of the project that offers it, nor one that its metadata requires."""
    module = """
        from saltern_runtime.spec import STRING, ConnectorSpec, NodeType
        CONNECTOR = ConnectorSpec(name="acme", summary="")
    """
    node = """
        from saltern_runtime.spec import STRING, NodeType
        NODE = NodeType(name="asking.ask", summary="", result=STRING, connector="acme", call="asking_module:ask")
    """
    folders = [
        other("acme", "[saltern.connectors]\nacme = acme_module:CONNECTOR\n", module),
        other("asking", "[saltern.node_types]\nasking.ask = asking_module:NODE\n", node),
    ]
    with (folders[0] / "acme-7.1.dist-info" / "METADATA").open("a") as metadata_file:
        metadata_file.write("Requires-Dist: Acme-SDK[fast]>=2; python_version > '3'\n")
    for folder in folders:
        monkeypatch.syspath_prepend(str(folder))
    text = f"""pipeline {name}
connection there = acme {{}}
all = foreach row in ["a"] {{
  answer = asking.ask(there) {{}}
  yield answer
}}
return all
"""
    (finding,) = compile_source(text, source_name="p.saltern", targets=(), registry=registry(*sys.path)).diagnostics
    assert finding.message == f"the pipeline cannot be named `{name}`"


def test_modules_of_one_name_are_told_apart(saltern, other, tmp_path):
    """A plugin's `slack` stands beside the built-in one, which keeps its short name."""
    module = """
        from saltern_runtime.spec import STRING, NodeType
        NODE = NodeType(name="acme.post", summary="", result=STRING, call="acme.slack:post")
    """
    folder = other("acme", "[saltern.node_types]\nacme.post = acme_module:NODE\n", module)
    source = saltern.write("""
        pipeline two
        connection team = slack { token: env("T") }
        a = acme.post {}
        b = slack.post_message(team) { channel: "#x", text: a }
        return b.ts
    """)
    done = saltern("build", source, "-o", "tree", "--target", "python", beside=[folder])
    assert done.returncode == 0, done.stderr
    nodes = (tmp_path / "tree/two/nodes.py").read_text()
    ast.parse(nodes)
    assert "from acme import slack as acme_slack\n" in nodes
    assert "acme_slack.post(ctx)" in nodes
    assert " slack.post_message(ctx, " in nodes
