"""The target `fastapi`: what it writes is readable, in final format, and holds user text only as literals."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from saltern_compiler.ir.pipeline import Pipeline, Secret, Trigger
from saltern_compiler.ir.plan import Plan
from saltern_compiler.ir.values import Literal, SecretRef
from saltern_runtime.spec import STRING, obj
from saltern_runtime.spec.types import FILE, NULL, ListType, MapType, union
from saltern_targets.fastapi.target import TARGET
from saltern_targets.writing import LINE_LENGTH


def plan(*paths, reference="env:HOOK_SECRET", respond=None, signature="standard", body=None):
    """Make a plan with webhooks at these paths, without nodes."""
    waits = (("respond", Literal(respond)),) if respond else ()
    secret = () if signature == "none" else (("secret", SecretRef("hook")),)
    signed = (*secret, ("signature", Literal(signature)))
    waits += (("body", Literal(body)),) if body else ()
    webhooks = tuple(Trigger("webhook", (("path", Literal(path)), *waits, *signed)) for path in paths)
    pipeline = Pipeline(
        "triage", obj({"id": STRING}), secrets=(Secret("hook", reference),), triggers=(Trigger("api"), *webhooks)
    )
    return Plan(
        pipeline,
        "sha256:0",
        "sha256:0",
        (),
        (),
        obj({"id": STRING}),
        obj({}),
        (),
        (),
        (),
        (),
        60.0,
        60.0,
        "triage.saltern",
    )


def written(*paths, **more):
    [(path, content)] = TARGET.emit(plan(*paths, **more), {}).items()
    assert path == "triage/api.py"
    return content.decode()


def test_it_writes_thin_routes():
    """A route a trigger, each a function of three lines with this pipeline's input."""
    text = written("/tickets")
    assert (
        '@router.webhook("/tickets", secret="env:HOOK_SECRET")\nasync def receive_tickets(body: Input, deliver: Delivery)'
        in text
    )
    assert '@router.start("/runs")\nasync def start_run(body: Input, start: Start) -> Response:' in text
    assert len(text.splitlines()) < 45


def test_a_webhook_that_its_run_answers_says_how_long_it_waits():
    """The route has the seconds, and a reader is told what they are for."""
    text = written("/tickets", respond=2.5)
    assert '@router.webhook("/tickets", secret="env:HOOK_SECRET", respond=2.5)\nasync def receive_tickets' in text
    assert "    # The run answers it, where it does so within 2.5 s.\n    return await deliver(body)\n" in text
    ast.parse(text)


@pytest.mark.parametrize(
    ("signature", "line"),
    [
        ("github", '@router.webhook("/t", signature="github", secret="env:HOOK_SECRET")'),
        ("none", '@router.webhook("/t", signature="none")'),
        ({"token": {}}, '@router.webhook("/t", signature="token", secret="env:HOOK_SECRET")'),
        (
            {"token": {"header": "X-T"}},
            '@router.webhook("/t", signature=Token(header="X-T"), secret="env:HOOK_SECRET")',
        ),
    ],
)
def test_a_webhook_says_how_it_is_signed(signature, line):
    """A vendor by its name, others by the class that has their settings."""
    text = written("/t", signature=signature)
    assert f"{line}\nasync def receive_t(" in text
    ast.parse(text)


def test_a_webhook_that_takes_texts_says_so():
    """The route is told not to look at what the body is said to be."""
    assert '@router.webhook("/t", secret="env:HOOK_SECRET", body="text")\n' in written("/t", body="text")


def test_a_signature_with_many_settings_is_laid_out(tmp_path):
    """A class of the runtime, imported, over several lines, as the formatter has it; texts are literals."""
    hostile = {"header": "X-A", "prefix": '"), evil("', "signed": "{timestamp}.{body}", "timestamp": "X-Time"}
    text = written("/t", signature={"hmac": hostile | {"algorithm": "sha512", "encoding": "base64"}})
    assert "from saltern_runtime.web import Delivery, Hmac, PipelineRouter, Start, build_app" in text
    [call] = [
        each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Call) and ast.unparse(each.func) == "Hmac"
    ]
    assert {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords} == {
        **hostile,
        "algorithm": "sha512",
        "encoding": "base64",
    }
    file = tmp_path / "api.py"
    file.write_text(text)
    ruff = str(Path(sys.executable).with_name("ruff"))
    command = [ruff, "format", "--isolated", "--config", f"line-length={LINE_LENGTH}", "--diff", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("paths", [(), ("/tickets",), ("/a/b-c", "/a/b_c", "/a/b.c"), ("/" + "long" * 40,)])
def test_it_is_in_final_format(paths, tmp_path):
    """Checker and formatter find nothing to change, whatever the paths are."""
    package = tmp_path / "triage"
    package.mkdir()
    for name in ("__init__", "graph", "models"):
        (package / f"{name}.py").touch()
    file = package / "api.py"
    file.write_text(written(*paths))
    ruff = str(Path(sys.executable).with_name("ruff"))
    config = ["--isolated", "--config", f"line-length={LINE_LENGTH}", "--config", "src=['.']"]
    for command in (
        ["check", "--select", "E,F,I,UP,B,RET,SIM,ANN", "--ignore", "E501"],
        ["format", "--check", "--diff"],
    ):
        done = subprocess.run(
            [ruff, *command, *config, str(file)], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_functions_never_clash():
    """Paths that differ only in their punctuation get functions of their own."""
    tree = ast.parse(written("/a/b-c", "/a/b_c", "/start"))
    names = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert len(names) == len(set(names)) == 5


def test_user_text_is_data():
    """Text that would be code is a literal in a decorator, nothing more."""
    evil = '/x"); import os; os.system("x'
    tree = ast.parse(written(evil, reference='env:A"+B'))
    literals = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)}
    assert {evil, 'env:A"+B'} <= literals
    assert not any(isinstance(each, ast.Import) for each in ast.walk(tree))


@pytest.mark.parametrize(
    "deep", [FILE, ListType(FILE), MapType(union(FILE, NULL)), obj({"a": ListType(obj({"b": FILE}))})]
)
@pytest.mark.parametrize("where", ["input_type", "output_type"])
def test_the_readme_tells_of_files_where_there_are_some(deep, where):
    """At any depth of the input or output; the routes are the router's own, so nothing more is generated."""
    plain, with_files = plan("/tickets"), replace(plan("/tickets"), **{where: obj({"doc": deep})})
    assert "/files" not in TARGET.contribute(plain).readme
    assert "`POST /files`" in TARGET.contribute(with_files).readme
    for setting in ("SALTERN_PAYLOADS", "SALTERN_MAX_FILE", "SALTERN_UPLOAD_KEEP"):
        assert f"`{setting}`" in TARGET.contribute(with_files).readme
        assert setting not in TARGET.contribute(plain).readme
    assert TARGET.emit(with_files, {}) == TARGET.emit(plain, {})


def test_it_contributes_exports_extra_and_a_section():
    """The package exports router and create_app, needs the web extra, and the README tells how to call it."""
    given = TARGET.contribute(plan("/tickets"))
    assert given.exports == (("api", "create_app"), ("api", "router"))
    assert given.extras == ("web",)
    assert given.readme.startswith("## HTTP API\n")
    assert "`POST /tickets`" in given.readme
    assert given.readme.endswith("\n")
    assert TARGET.needs == ("python",)
