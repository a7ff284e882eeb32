"""`saltern deploy --prune` against a real API server, and a real service that answers as a pod of it would."""

import os
import secrets
from contextlib import contextmanager

import pytest

from saltern_compiler.cli import deploy as command
from saltern_compiler.driver import compile_source
from saltern_compiler.driver.cluster import Cluster, moved, read_base
from saltern_runtime import Stage, node
from saltern_runtime.engine.service import Service
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import NewRun
from saltern_runtime.store.keys import new_run_id
from saltern_runtime.store.versions import note_counted
from saltern_runtime.web import PipelineRouter, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.graphs import graph_of
from tests.support.listening import listening
from tests.support.until import until

TEXT = (
    'pipeline {}\n\ninput {{ name: string }}\non api\n\ngreeting = set {{ value: "{}" }}\nreturn {{ text: greeting }}\n'
)
OLD, BUSY, NEW = "hello", "good morning", "good evening"
NOTHING = '{"kind":"cancelled","code":"cancelled","message":"no"}'
ENTRY = {"path": "a", "need": 1, "join": "all", "live": 0, "dead": 0, "queue": "q", "priority": 5, "reads": "[]", "timeout": 9}  # fmt: skip


@node("return", type="return@1")
def return_() -> str:
    return ""


class Place:
    """A pipeline in a namespace of its own, of which several versions are deployed, and its store."""

    def __init__(self, cluster, space, image, *, file, deploy, redis_url):
        self.cluster, self.space, self.image, self.file, self._deploy = cluster, space, image, file, deploy
        self.name = f"t{secrets.token_hex(4)}"
        token, entry = tokens.new("acme")
        self.settings = Settings(redis_url=redis_url, api_tokens=str(entry))
        self.token, self.entry = token, entry
        self.store = Service(graph_of(self.name, Stage("return", nodes=(return_,))), self.settings).store
        note_counted(self.store)

    def objects(self, word):
        text = TEXT.format(self.name, word)
        result = compile_source(
            text, source_name=self.file.name, targets=("kubernetes",), options={"image": self.image}
        )
        return moved(read_base(result.artifacts), self.space)

    def deploy(self, word, *more):
        self.file.write_text(TEXT.format(self.name, word))
        return self._deploy(self.file, "--namespace", self.space, "--option", f"image={self.image}", *more)

    def prune(self, word, *more):
        return self.deploy(word, "--prune", *more)

    def plan(self, word):
        (found,) = {
            each["metadata"]["annotations"]["saltern/plan"]
            for each in self.objects(word)
            if each["kind"] == "Deployment"
        }
        return found

    def short(self, word):
        return self.plan(word).removeprefix("sha256:")[:8]

    def workers(self, kind="Deployment", api="apps/v1"):
        """Return the versions that workers' objects of a kind are of."""
        found = self.cluster.list(api, kind, self.space, {"app.kubernetes.io/component": "worker-default"})
        return {each["metadata"]["labels"]["app.kubernetes.io/version"] for each in found}

    def pod(self):
        pods = self.cluster.list("v1", "Pod", self.space, {"app.kubernetes.io/component": "api"})
        return pods[0]["metadata"]["name"]

    def open(self, word):
        """Make an open run of a version."""
        run = NewRun(
            new_run_id(0),
            self.plan(word),
            "acme",
            "api",
            "{}",
            "b",
            "",
            deadline=600.0,
            retention=60.0,
            entries=(ENTRY,),
        )
        return self.store.create(run).run_id

    @contextmanager
    def served(self, word, instance=None):
        """Serve the API of a version, as a pod of that name would."""
        graph = graph_of(self.name, Stage("return", nodes=(return_,)), plan=self.plan(word).removeprefix("sha256:"))
        service = Service(graph, self.settings)
        app = build_app(PipelineRouter(graph, output=str), self.settings)
        app.state.saltern_backends = {graph.name: Backend(service, self.settings, (self.entry,))}
        with listening(app) as url, pytest.MonkeyPatch.context() as patch:
            for name, value in {
                "SALTERN_URL": url,
                "SALTERN_TOKEN": self.token,
                "HOSTNAME": instance or self.pod(),
            }.items():
                patch.setenv(name, value)
            yield


@pytest.fixture
def place(cluster, restricted, deploy, image, tmp_path, redis_url):  # noqa: PLR0917 - each is a fixture
    """Three versions, the last of them current."""
    made = Place(cluster, restricted(), image, file=tmp_path / "tiny.saltern", deploy=deploy, redis_url=redis_url)
    for word in (OLD, BUSY, NEW):
        code, out, err = made.deploy(word)
        assert code == 0, out + err
    yield made
    made.store.close()


def test_what_has_drained_goes_and_what_has_not_stays(place):
    """Workers and budgets of the drained version alone, settings that others use stay; a dry run before it removes nothing."""
    old, busy, new = map(place.short, (OLD, BUSY, NEW))
    run = place.open(BUSY)
    with place.served(NEW):
        code, out, err = place.prune(NEW, "--dry-run")
        assert (code, err) == (0, "")
        assert f"deployment/{place.name}-worker-default-{old} would go\n" in out
        assert f"version {busy} stays: it has 1 open run\n" in out
        assert place.workers() == {old, busy, new}
        code, out, err = place.prune(NEW)
        assert (code, err) == (0, "")
        assert [line for line in out.splitlines() if old in line] == [
            f"deployment/{place.name}-worker-default-{old} deleted",
            f"poddisruptionbudget/{place.name}-worker-default-{old} deleted",
        ]
        assert "configmap" not in out
        assert until(lambda: place.workers() == {busy, new})
        assert place.workers("PodDisruptionBudget", "policy/v1") == {busy, new}
        place.store.cancel(run, "acme", NOTHING)
        assert place.prune(NEW)[0] == 0
        assert until(lambda: place.workers() == {new})
        assert place.prune(NEW) == (0, "no older version is there\n", "")


def test_settings_go_with_the_last_version_that_takes_them(place, cluster):
    """A ConfigMap that only removed workers took goes with them."""
    (worker,) = [
        each for each in place.objects(OLD) if "-worker-" in each["metadata"]["name"] and each["kind"] == "Deployment"
    ]
    (config,) = [each for each in place.objects(OLD) if each["kind"] == "ConfigMap"]
    own = {**config, "metadata": {**config["metadata"], "name": f"{place.name}-config-own"}}
    cluster.apply(own)
    container = {
        **worker["spec"]["template"]["spec"]["containers"][0],
        "envFrom": [{"configMapRef": {"name": f"{place.name}-config-own"}}],
    }
    worker["spec"]["template"]["spec"]["containers"] = [container]
    cluster.apply(worker)
    with place.served(NEW):
        out = place.prune(NEW)[1]
    assert f"configmap/{place.name}-config-own deleted" in out
    assert (cluster.get(own), cluster.get(config) is None) == (None, False)


def test_who_answers_must_be_a_pod_of_it(place):
    """Another service's answer, or another cluster's, is not believed, whatever it says."""
    with place.served(NEW, "tiny-api-elsewhere"):
        code, out, err = place.prune(NEW)
    assert (code, out) == (1, "")
    assert "'tiny-api-elsewhere' answered, which is no API pod of this service here" in err
    assert len(place.workers()) == 3


def test_only_the_version_that_took_over_prunes(place):
    """Neither one that is not deployed, nor one whose API is not the one that answers; nor is anything known before timers swept."""
    with place.served(NEW):
        code, _, err = place.prune(OLD)
        assert code == 1
        assert f"deployment/{place.name}-api is of version {place.short(NEW)}, not {place.short(OLD)}" in err
        place.store.client.delete(f"{place.store.keys.shard(0)}counted")
        assert "it is not known yet what is open" in place.prune(NEW)[2]
    with place.served(BUSY):
        code, _, err = place.prune(NEW)
    assert code == 1
    assert "the service starts runs of" in err
    assert len(place.workers()) == 3


def test_a_run_that_is_set_going_again_meanwhile_gets_its_workers_back(place, kubeconfig, context):
    """Between the answer and the removal there is time for a replay: asked once more, the service tells, and the workers come back."""

    class Slow(Cluster):
        def delete(self, of):
            if place.short(OLD) in of["metadata"]["name"] and of["kind"] == "Deployment":
                place.open(OLD)
            super().delete(of)

    before = {
        each["metadata"]["name"]: place.cluster.get(each) for each in place.objects(OLD) if each["kind"] == "Deployment"
    }
    with place.served(NEW), command.connect(os.environ["SALTERN_URL"], None) as client:
        command._prune(Slow(context, str(kubeconfig)), place.objects(NEW), client, dry_run=False)
    assert until(lambda: place.workers() == {place.short(OLD), place.short(NEW)})
    assert place.workers("PodDisruptionBudget", "policy/v1") == {place.short(OLD), place.short(NEW)}
    for each in place.objects(OLD):
        name = each["metadata"]["name"]
        if each["kind"] == "Deployment" and "-worker-" in name:
            assert place.cluster.get(each)["spec"] == before[name]["spec"]
