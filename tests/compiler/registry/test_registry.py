"""Node types, connectors and targets are found by entry points, one by one, without any vendor's SDK."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from textwrap import dedent

import pytest

from saltern_compiler.registry import NODE_TYPES, ClashError, PluginError, Registry
from saltern_runtime.spec import ANY, ConnectorSpec, NodeType

BUILT_IN = tuple(
    sorted({point.name for point in metadata.distribution("saltern-runtime").entry_points.select(group=NODE_TYPES)})
)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a distribution by hand: `plugin(name, entry_points, module_text)` returns its entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, lines: str, module: str = "") -> list[metadata.EntryPoint]:
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(dedent(lines))
        if module:
            (tmp_path / f"{name}_module.py").write_text(dedent(module))
        return list(metadata.PathDistribution(info).entry_points)

    yield install
    for path in Path(tmp_path).glob("*_module.py"):
        sys.modules.pop(path.stem, None)


def node(name: str, version: int = 1) -> NodeType:
    return NodeType(name=name, summary="", result=ANY, version=version)


def test_the_built_in_node_types_and_connectors_are_found():
    """In a fixed order, each under its own name."""
    registry = Registry.load()
    assert {"foreach", "http.request", "if", "python.call", "wait"} <= set(BUILT_IN) <= set(registry.node_names())
    assert list(registry.node_names()) == sorted(registry.node_names())
    assert [registry.node(name).name for name in BUILT_IN] == list(BUILT_IN)
    assert {"http", "openai", "postgres", "slack"} <= set(registry.connector_names())
    assert registry.connector("slack").name == "slack"
    assert {"celery", "fastapi", "python"} <= set(registry.target_names())


def test_the_registry_is_made_once():
    """Loading again costs nothing."""
    assert Registry.load() is Registry.load()


def test_every_callable_result_class_and_connector_of_a_built_in_node_is_there():
    """A spec names them by strings; none leads nowhere, and each parameter that is passed is taken."""
    import inspect

    registry = Registry.load()
    for name in BUILT_IN:
        spec = registry.node(name)
        if spec.connector is not None:
            assert registry.connector(spec.connector) is not None
        for reference in filter(None, (spec.call, spec.result_model)):
            point = metadata.EntryPoint(name="x", value=reference, group="x")
            assert callable(point.load())
        if spec.call:
            taken = inspect.signature(metadata.EntryPoint(name="x", value=spec.call, group="x").load()).parameters
            assert {param.name for param in spec.params if param.passed} <= set(taken)
            assert {param.name for param in spec.params if not param.required and param.passed} <= {
                name for name, each in taken.items() if each.default is not each.empty
            }


def test_reading_every_spec_loads_no_sdk():
    """With all of them blocked, every spec loads and every check runs."""
    script = """
        import sys
        from importlib.abc import MetaPathFinder

        BLOCKED = {"celery", "kombu", "redis", "valkey", "fastapi", "starlette", "uvicorn", "httpx", "httpx2", "openai",
                   "slack_sdk", "psycopg", "psycopg_pool", "prometheus_client"}

        class Block(MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in BLOCKED:
                    raise ImportError(f"{name} is blocked")

        sys.meta_path.insert(0, Block())
        from saltern_compiler.registry import Registry
        from saltern_runtime.spec import Bound

        registry = Registry.load()
        for name in registry.node_names():
            spec = registry.node(name)
            list(spec.check(Bound({"url": "/", "sql": "select 1", "function": "a:b"}, {})))
            spec.result(Bound({}, {})) if callable(spec.result) else None
        for name in registry.connector_names():
            registry.connector(name).egress({"base_url": "https://a.example"})
        assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
        print(len(registry.node_names()))
    """
    done = subprocess.run([sys.executable, "-c", dedent(script)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) >= len(BUILT_IN)


def test_names_are_known_before_anything_is_loaded(plugin):
    """A broken plugin stops only those who use it."""
    points = plugin("broken", "[saltern.node_types]\na.b = broken_module:NODE\n", "raise RuntimeError('at import')\n")
    registry = Registry.from_entry_points(points)
    assert registry.node_names() == ("a.b",)
    with pytest.raises(PluginError, match=r"broken 1\.2 offers 'a\.b'.*RuntimeError: at import"):
        registry.node("a.b")


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("", "ModuleNotFoundError"),
        ("OTHER = 1\n", "AttributeError"),
        ("NODE = 1\n", "is a int, not a NodeType"),
        ("import no_such_sdk\n", "no_such_sdk"),
        ("def (\n", "SyntaxError"),
        (
            "from saltern_runtime.spec import ANY, NodeType\nNODE = NodeType(name='c', summary='', result=ANY)\n",
            "is 'c@1'",
        ),
    ],
)
def test_an_error_of_a_plugin_names_its_distribution(plugin, module, words):
    """So that somebody knows what to uninstall."""
    registry = Registry.from_entry_points(plugin("bad", "[saltern.node_types]\na.b = bad_module:NODE\n", module))
    with pytest.raises(PluginError) as caught:
        registry.node("a.b")
    assert "bad 1.2" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("group", ["saltern.node_types", "saltern.connectors", "saltern.targets"])
def test_a_clash_names_both_distributions(plugin, group):
    """Which of two would win must not depend on the order of a path."""
    first = plugin("first", f"[{group}]\nsame = first_module:X\n")
    second = plugin("second", f"[{group}]\nsame = second_module:X\n")
    for points in ([*first, *second], [*second, *first]):
        with pytest.raises(ClashError, match=r"same.*first 1\.2 and second 1\.2"):
            Registry.from_entry_points(points)


def test_a_clash_with_a_built_in_is_an_error(plugin):
    """Nobody replaces `llm.chat` by installing something."""
    built_in = metadata.entry_points(group="saltern.node_types")
    theirs = plugin("theirs", "[saltern.node_types]\nllm.chat = theirs_module:NODE\n")
    with pytest.raises(ClashError, match=r"saltern-runtime 0\.1\.0 and theirs 1\.2"):
        Registry.from_entry_points([*built_in, *theirs])


def test_other_versions_stand_beside_the_first(plugin):
    """An entry point `name@2` is version 2 of the same node type, from any distribution."""
    module = """
        from saltern_runtime.spec import ANY, NodeType
        ONE = NodeType(name="a.b", summary="", result=ANY)
        TEN = NodeType(name="a.b", summary="", result=ANY, version=10)
    """
    points = plugin(
        "many",
        "[saltern.node_types]\na.b = many_module:ONE\na.b@10 = many_module:TEN\na.b@2 = many_module:TEN\n",
        module,
    )
    registry = Registry.from_entry_points(points)
    assert registry.node_names() == ("a.b",)
    assert registry.versions("a.b") == (1, 2, 10)
    assert registry.node("a.b", 10).version == 10
    assert registry.node("a.b").version == 1
    assert registry.node("a.b", 3) is None
    with pytest.raises(PluginError, match=r"'a\.b@2'.*is 'a\.b@10'"):
        registry.node("a.b", 2)


def test_a_version_that_is_no_number_is_an_error(plugin):
    """At once: it could never be asked for."""
    with pytest.raises(PluginError, match="whose version is not a number"):
        Registry.from_entry_points(plugin("odd", "[saltern.node_types]\na@new = odd_module:NODE\n"))


def test_a_registry_can_be_made_of_things_at_hand():
    """For tests and embedding."""
    registry = Registry(nodes=[node("b"), node("a"), node("a", 2)], connectors=[ConnectorSpec("c", "")])
    assert registry.node_names() == ("a", "b")
    assert registry.versions("a") == (1, 2)
    assert registry.node("a", 2).version == 2
    assert registry.node("zzz") is registry.connector("zzz") is registry.target("zzz") is None
    assert registry.connector_names() == ("c",)
    with pytest.raises(ClashError):
        Registry(nodes=[node("a"), node("a")])
