"""Pipelines that call others, generated and run."""

import json

import pytest

from saltern_compiler.driver import Source, compile_loaded, compile_source, write_tree
from saltern_compiler.frontend import read
from saltern_compiler.registry import Registry
from tests.support.built import SOURCES, importable
from tests.support.once import run_once

CALLED = SOURCES["call_case"].parent / "called"
FILES = {f"called/{path.name}": path.read_text() for path in sorted(CALLED.iterdir()) if path.is_file()}
TEXT = SOURCES["call_case"].read_text()


def compiled(text=TEXT, **changed):
    """Compile the case as a library does: texts in, files out."""
    files = FILES | {f"called/{name.replace('_', '.', 1)}": other for name, other in changed.items()}
    return compile_source(text, source_name="call_case.saltern", files=files)


def test_a_pipeline_that_calls_others(tmp_path, redis_url, web_double) -> None:
    """Each call has inputs, names and connections of its own, gives its output, and fails like any node."""
    text = TEXT.replace("pipeline call_case", "pipeline call_run").replace("https://mirror.example", web_double.url)
    changed = {name: each.replace("https://mirror.example", web_double.url) for name, each in FILES.items()}
    changed = {name: each.replace("https://site.example", web_double.url) for name, each in changed.items()}
    result = compile_source(text, source_name="r.saltern", files=changed)
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "call_run") as load:
        graph = load("graph").GRAPH
        broken = run_once(graph, {"text": "a", "path": "status/404"}, redis_url=redis_url)
        fine = run_once(graph, {"text": "ab", "path": "b"}, redis_url=redis_url)
    assert broken.output == {
        "first": 3, "second": 14, "each": [4, 7], "words": ["a", "3"], "wrapped": 200, "failed": "failing/page not-found",
    }  # fmt: skip
    assert fine.output == {
        "first": 6, "second": 29, "each": [4, 7], "words": ["ab", "6"], "wrapped": 200, "failed": None,
    }  # fmt: skip
    states = {each.id: each.state for each in broken.nodes}
    assert (states["failing/page"], states["failing"], states["wrapped/inner/page"]) == ("DEAD", "FAILED", "SUCCEEDED")


def test_what_is_called_stands_once() -> None:
    """However many calls there are, a pipeline is one package, and no function of it stands anywhere else."""
    files = compiled().artifacts
    packages = {path.split("/")[2] for path in files if path.startswith("call_case/pipelines/") and path.count("/") > 2}
    assert packages == {"score", "wrap"}
    assert [path for path in files if path.endswith("words.py")] == ["call_case/pipelines/score/words.py"]
    assert sum(text.count(b'@node("words"') for text in files.values()) == 1


def test_the_digest_covers_what_is_called() -> None:
    """A change in what is called, however far away, or in a module of it, makes another plan; one of a comment does not."""
    plan = compiled().plan
    assert plan is not None
    score, words = FILES["called/score.saltern"], FILES["called/words.py"]
    for changed in (
        {"score_saltern": score.replace("[1, 2]", "[1, 3]")},
        {"score_saltern": score.replace("@timeout(5s)", "@timeout(6s)")},
        {"words_py": words.replace('"-"', '"+"')},
        {"wrap_json": FILES["called/wrap.json"].replace('"extra": null', '"extra": 1')},
    ):
        other = compiled(**changed).plan
        assert other is not None
        assert other.digest != plan.digest
        assert other.pipeline_digest == plan.pipeline_digest
    same = compiled(score_saltern=f"# another comment\n{score}").plan
    assert same is not None
    assert same.digest == plan.digest


def test_what_a_service_needs_is_what_its_calls_need() -> None:
    """Hosts, queues and variables of called pipelines are among those of the service; those of their triggers are not."""
    secret = FILES["called/score.saltern"].replace(
        'http { base_url: "https://site.example" }',
        'http { base_url: "https://site.example", token: env("SITE_TOKEN") }',
    )
    plan = compiled(score_saltern=secret).plan
    assert plan is not None
    assert plan.egress == ("mirror.example:443", "site.example:443")
    assert plan.env == ("SITE_TOKEN",)
    assert plan.schedules == ()
    assert {stage.queue for stage in plan.every_stage} == {"default", "io"}
    assert {stage.queue for stage in plan.stages} == {"default"}


def test_only_workers_get_the_secrets_of_what_is_called() -> None:
    """What a called pipeline logs in with is no business of the API."""
    from saltern_targets.processes import api_secrets, worker_secrets

    text = FILES["called/score.saltern"].replace('site.example" }', 'site.example", token: env("SITE_TOKEN") }')
    plan = compiled(score_saltern=text).plan
    assert plan is not None
    assert (api_secrets(plan), worker_secrets(plan)) == ((), ("SITE_TOKEN",))


def test_own_modules_of_the_same_name_stay_apart() -> None:
    """A module beside the caller, and one of the same name beside what it calls, each travel with their own pipeline."""
    text = TEXT.replace(
        "return {", 'own = python.call { function: "words:count", args: { text: input.text } }\n\nreturn {'
    ).replace("failed: merge(why)", "failed: string(own)")
    files = FILES | {"words.py": "def count(text: str) -> int:\n    return len(text)\n"}
    result = compile_source(text, source_name="call_case.saltern", files=files)
    assert not result.has_errors, result.diagnostics
    assert b"def count" in result.artifacts["call_case/words.py"]
    assert b"def split" in result.artifacts["call_case/pipelines/score/words.py"]


def test_a_module_called_pipelines_is_in_nobodys_way() -> None:
    """The package of the called pipelines makes room for a module of that name."""
    text = TEXT.replace(
        "return {", 'own = python.call { function: "pipelines:count", args: { text: input.text } }\n\nreturn {'
    ).replace("failed: merge(why)", "failed: string(own)")
    files = FILES | {"pipelines.py": "def count(text: str) -> int:\n    return len(text)\n"}
    result = compile_source(text, source_name="call_case.saltern", files=files)
    assert not result.has_errors, result.diagnostics
    assert {"call_case/pipelines.py", "call_case/pipelines_/score/graph.py"} <= result.artifacts.keys()


def test_files_are_read_by_the_driver(tmp_path) -> None:
    """A loaded source brings what it uses, of its own folder alone: not through a link, and not by another name."""
    (tmp_path / "in" / "called").mkdir(parents=True)
    for name, text in FILES.items():
        (tmp_path / "in" / name).write_text(text)
    (tmp_path / "in" / "main.saltern").write_text(TEXT)
    source = Source.load(str(tmp_path / "in" / "main.saltern"))
    result = compile_loaded(source)
    assert not result.has_errors, result.diagnostics
    (tmp_path / "in" / "called" / "score.saltern").rename(tmp_path / "score.saltern")
    (tmp_path / "in" / "called" / "score.saltern").symlink_to(tmp_path / "score.saltern")
    found = compile_loaded(source).diagnostics
    assert {each.code for each in found} == {"missing-pipeline", "broken-pipeline"}


@pytest.mark.parametrize(
    "path", ["/etc/passwd.saltern", "../x.saltern", "a/../../x.saltern", "C:\\\\x.saltern", "", "."]
)
def test_no_use_leads_out_of_the_folder(path) -> None:
    """Whatever a path says, nothing outside of the pipeline's folder is asked for."""
    text = f'pipeline a\n\nuse x = "{path}"\n\ns = call x {{}}\nreturn s\n'
    asked = []

    class Asked(dict):
        def get(self, key, default=None):
            asked.append(key)
            return default

    found = compile_source(text, source_name="a.saltern", files=Asked()).diagnostics
    assert [each.code for each in found] == ["missing-pipeline"]
    assert asked == []


def test_the_source_map_names_the_file() -> None:
    """A node of a called pipeline has its place in the file that it was written in."""
    written = json.loads(compiled().artifacts["call_case/source_map.json"])["nodes"]
    assert written["wrapped/inner/page"]["source"] == "called/score.saltern"
    assert written["wrapped/inner"] == {
        "function": "call_case.pipelines.wrap.nodes.inner", "place": "/nodes/0", "source": "called/wrap.json",
        "stage": "wrapped/inner", "task": "call_case.wrapped/inner",
    }  # fmt: skip
    assert "source" not in written["wrapped"]


def test_names_of_files_are_no_code(tmp_path) -> None:
    """A file may be called what it likes: its name becomes that of a package, and a comment of one line."""
    odd = """we"ird''' ${x}; import os
raise SystemExit #.saltern"""
    path = f"called/{odd}"
    text = TEXT.replace('"./called/score.saltern"', json.dumps(f"./{path}"))
    files = FILES | {path: FILES["called/score.saltern"].replace("words:split", "words:split")}
    result = compile_source(text, source_name="call_case.saltern", files=files)
    assert {each.code for each in result.diagnostics} == {"missing-pipeline"}
    odd = odd.replace('"', "").replace("\n", " ")
    text = TEXT.replace('"./called/score.saltern"', json.dumps(f"./called/{odd}"))
    result = compile_source(text, source_name="call_case.saltern", files=files | {f"called/{odd}": files[path]})
    assert not result.has_errors, result.diagnostics
    for name, data in result.artifacts.items():
        if name.endswith(".py"):
            compile(data, name, "exec")
            assert b"\nraise SystemExit" not in data


def test_what_is_used_is_watched(tmp_path) -> None:
    """Every file that a pipeline stands on is one to look at, those that are not there yet among them."""
    (tmp_path / "called").mkdir()
    (tmp_path / "main.saltern").write_text(TEXT)
    (tmp_path / "called/wrap.json").write_text(FILES["called/wrap.json"])
    source = Source.load(str(tmp_path / "main.saltern"))
    pipeline, _ = read(source.text, source.name)
    assert pipeline is not None
    seen = {path.relative_to(tmp_path).as_posix() for path in source.places(pipeline, Registry.load())}
    assert seen == {"called/score.saltern", "called/wrap.json"}
    (tmp_path / "called/score.saltern").write_text(FILES["called/score.saltern"])
    seen = {path.relative_to(tmp_path).as_posix() for path in source.places(pipeline, Registry.load())}
    assert seen == {"called/score.saltern", "called/wrap.json", "called/words.py"}
