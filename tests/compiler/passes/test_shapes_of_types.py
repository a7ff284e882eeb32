"""What the compiler knows of a node type it reads from its spec: handles, egress, a body. No name of a type or a parameter counts."""

from dataclasses import replace

from saltern_compiler.driver import compile_source
from saltern_compiler.registry import Registry
from saltern_runtime.spec import INT, STRING, Effect, NodeType, Param

ACME = NodeType("acme", "", STRING, params=(Param("url", STRING),), call="acme:f", effect=Effect.PURE)
HEAD = "pipeline p\ninput { host: string }\n"


def compiled(body, *nodes):
    """Compile a pipeline where these node types are installed beside the built-in ones."""
    ours = Registry.load()
    known = [node for name in ours.node_names() if (node := ours.node(name)) is not None]
    registry = Registry(nodes=[*known, *nodes], targets=[ours.target("python")])
    return compile_source(HEAD + body, source_name="p.saltern", targets=("python",), registry=registry)


def plan_of(body, *nodes):
    result = compiled(body, *nodes)
    assert not result.has_errors, result.diagnostics
    return result.plan


def egress(body, *nodes):
    return plan_of(body, *nodes).egress


def test_a_parameter_called_url_is_no_egress_by_its_name():
    """A node that only computes with an address opens nothing."""
    assert egress('a = acme { url: "https://a.example" }\nreturn { a: a }', ACME) == ()
    assert egress("a = acme { url: input.host }\nreturn { a: a }", ACME) == ()


def test_a_url_parameter_is_egress_whatever_it_is_called():
    """Its host, where it is written out; anywhere, where it is made while the pipeline runs."""
    caller = replace(ACME, params=(Param("endpoint", STRING, is_url=True),))
    assert egress('a = acme { endpoint: "https://a.example/x" }\nreturn { a: a }', caller) == ("a.example:443",)
    assert egress("a = acme { endpoint: `http://b.example:81/{{ input.host }}` }\nreturn { a: a }", caller) == (
        "b.example:81",
    )
    assert egress("a = acme { endpoint: input.host }\nreturn { a: a }", caller) == ("*:443", "*:80")


def test_a_fixed_host_of_a_node_type_is_egress():
    """Where its callable goes whatever is bound, and in a body too."""
    fixed = replace(ACME, params=(), egress=("api.acme.example:443",))
    body = "l = foreach n in [1, 2] {\n  a = acme {}\n  yield a\n}\nreturn { l: l }"
    assert egress(body, fixed) == ("api.acme.example:443",)


def test_a_node_type_of_handles_is_a_branch():
    """What hangs on them is skipped where another one was taken, and a wrong one is named with those that there are."""
    coin = NodeType(
        "coin",
        "",
        STRING,
        params=(Param("side", INT),),
        call="acme:toss",
        effect=Effect.PURE,
        handles=("heads", "tails"),
    )
    branches = """
        toss = coin { side: 1 }
        a = set when toss.heads { value: 1 }
        b = set when toss.tails { value: 2 }
        return { n: merge(a, b) }
    """
    plan = plan_of(branches, coin)
    gates = {inner.node: [edge.handle for edge in inner.when] for stage in plan.stages for inner in stage.inner}
    assert gates == {"a": ["heads"], "b": ["tails"]}
    wrong = compiled("toss = coin { side: 1 }\na = set when toss.edge { value: 1 }\nreturn { a: a }", coin)
    assert wrong.diagnostics[0].message == "`toss` has no handle `edge`"
