"""`saltern deploy` against a real API server: rollout, versions side by side, what is stuck, what is left."""

import re
import time
from pathlib import Path

import pytest

from saltern_compiler.driver import Source, compile_loaded, compile_source
from saltern_compiler.driver.cluster import Cluster, ClusterError, moved, read_base
from saltern_compiler.driver.rollout import look

ROOT = Path(__file__).parents[2]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("*/*.saltern"))}
TRIAGE = EXAMPLES["support_triage"]
TINY = 'pipeline tiny\n\ninput {{ name: string }}\non api\n\ngreeting = set {{ value: "{}" }}\nreturn {{ text: greeting }}\n'


def base(path, namespace, image):
    result = compile_loaded(Source.load(str(path)), targets=("kubernetes",), options={"image": image})
    return moved(read_base(result.artifacts), namespace)


def versions(cluster, objects):
    return {
        (each["kind"], each["metadata"]["name"]): cluster.get(each)["metadata"]["resourceVersion"] for each in objects
    }


def available(cluster, objects):
    for each in objects:
        if each["kind"] == "Deployment":
            conditions = {one["type"]: one["status"] for one in cluster.get(each)["status"]["conditions"]}
            assert conditions["Available"] == "True"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_rolls_out_and_a_second_time_changes_nothing(name, cluster, restricted, deploy, image):
    """Under Pod Security "restricted" and a quota, all becomes available; the same again leaves every resourceVersion."""
    space = restricted()
    arguments = (EXAMPLES[name], "--namespace", space, "--option", f"image={image}")
    code, out, err = deploy(*arguments)
    assert code == 0, out + err
    assert f"namespace/{space} left" in out
    objects = base(EXAMPLES[name], space, image)
    available(cluster, objects)
    before = versions(cluster, objects)
    code, out, err = deploy(*arguments)
    assert code == 0, out + err
    assert not re.search(r" (created|changed)$", out, re.MULTILINE), out
    assert versions(cluster, objects) == before


def test_a_new_version_stands_beside_the_old_one(cluster, restricted, deploy, image, tmp_path):
    """The old version's workers, their budget and their network policy stay as they were; the API is the new one's."""
    space = restricted()
    found = []
    for word in ("hello", "good morning"):
        text = TINY.format(word)
        file = tmp_path / "tiny.saltern"
        file.write_text(text)
        code, out, err = deploy(file, "--namespace", space, "--option", f"image={image}")
        assert code == 0, out + err
        result = compile_source(text, source_name=file.name, targets=("kubernetes",), options={"image": image})
        found.append(moved(read_base(result.artifacts), space))
        if len(found) == 1:
            before = versions(cluster, [each for each in found[0] if "-worker-" in each["metadata"]["name"]])
    workers = [each for each in found[0] if "-worker-" in each["metadata"]["name"]]
    assert versions(cluster, workers) == before
    available(cluster, found[0])
    available(cluster, found[1])
    labels = {"app.kubernetes.io/component": "worker-default"}
    pods = cluster.list("v1", "Pod", space, labels)
    assert len({pod["metadata"]["labels"]["app.kubernetes.io/version"] for pod in pods}) == 2
    code, out, err = deploy(file, "--namespace", space, "--delete")
    assert code == 0, out + err
    assert cluster.list("apps/v1", "Deployment", space, {}) == []


def test_an_image_that_cannot_be_pulled_is_reported(restricted, deploy):
    """Exit code 1, and which container waits for which image and why."""
    code, _, err = deploy(
        TRIAGE, "--namespace", restricted(), "--timeout", 8, "--option", "image=registry.example/x:missing"
    )
    assert code == 1
    assert re.search(r"support-triage-api is not available: 0 of \d pods available", err)
    assert "the container api waits for the image registry.example/x:missing: ImagePullBackOff" in err
    assert "the container timers waits for the image" in err


def test_a_stuck_new_image_leaves_the_old_pods_working(cluster, restricted, deploy, image):
    """No pod goes before its successor is ready; what is reported is about the new one alone."""
    space = restricted()
    assert deploy(TRIAGE, "--namespace", space, "--option", f"image={image}")[0] == 0
    code, _, err = deploy(TRIAGE, "--namespace", space, "--timeout", 6, "--option", "image=registry.example/x:missing")
    assert code == 1
    assert "2 of 2 pods available, 1 of this version" in err
    available(cluster, base(TRIAGE, space, image))


def test_a_quota_that_is_too_small_is_reported(restricted, deploy, image):
    """The API server's own words say which quota and by how much."""
    code, _, err = deploy(
        TRIAGE, "--namespace", restricted(pods="3"), "--timeout", 6, "--option", f"image={image}"
    )  # fmt: skip
    assert code == 1
    assert "a pod cannot be made: " in err
    assert "exceeded quota: all" in err


def test_a_pod_that_no_node_takes_is_reported(cluster, restricted, image):
    """The scheduler's own words."""
    space = restricted()
    objects = base(TRIAGE, space, image)
    for each in objects:
        if each["kind"] in ("ServiceAccount", "ConfigMap"):
            cluster.apply(each)
    (timers,) = [
        each for each in objects if each["metadata"]["name"] == "support-triage-timers" and each["kind"] == "Deployment"
    ]
    timers["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "of-stone"}
    cluster.apply(timers)
    until = time.monotonic() + 30
    while not (found := look(cluster, timers)).troubles and time.monotonic() < until:
        time.sleep(0.2)
    assert found.troubles[0].startswith("no node takes the pod: 0/")
    assert not found.done


def test_a_field_that_kubernetes_does_not_know_is_refused(cluster, restricted, image):
    """Validation is strict: nothing is dropped without a word."""
    space = restricted()
    (account,) = [each for each in base(TRIAGE, space, image) if each["kind"] == "ServiceAccount"]
    with pytest.raises(ClusterError, match=r"field not declared in schema|unknown field"):
        cluster.apply({**account, "surprise": True})


def test_removal_leaves_nothing(cluster, namespace, deploy, image):
    """A namespace that saltern made goes with all that is in it; a second removal finds nothing."""
    assert deploy(TRIAGE, "--namespace", namespace, "--option", f"image={image}", "--no-wait")[0] == 0
    code, out, err = deploy(TRIAGE, "--namespace", namespace, "--delete", "--timeout", 120)
    assert code == 0, out + err
    assert cluster.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}) is None
    code, out, _ = deploy(TRIAGE, "--namespace", namespace, "--delete")
    assert (code, out) == (0, "nothing of it is there\n")


def test_removal_spares_what_is_not_ours(cluster, restricted, deploy, image):
    """A namespace that somebody else made stays, and so do their objects, while every one of ours goes."""
    space = restricted()
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "support-triage-secrets", "namespace": space}}
    cluster.apply(theirs)
    assert deploy(TRIAGE, "--namespace", space, "--option", f"image={image}")[0] == 0
    assert deploy(TRIAGE, "--namespace", space, "--delete")[0] == 0
    assert cluster.get(theirs) is not None
    left = [each for each in base(TRIAGE, space, image) if each["kind"] != "Namespace" and cluster.get(each)]
    assert left == []


def test_a_field_that_somebody_else_set_is_not_taken_silently(cluster, restricted, deploy, image):
    """The conflict names the field and the other manager; --force takes it over."""
    space = restricted()
    arguments = (TRIAGE, "--namespace", space, "--option", f"image={image}")
    assert deploy(*arguments, "--no-wait")[0] == 0
    timers = {"apiVersion": "apps/v1", "kind": "Deployment"}
    timers["metadata"] = {"name": "support-triage-timers", "namespace": space}
    cluster._resource(timers).server_side_apply(
        body={**timers, "spec": {"replicas": 3}}, namespace=space, field_manager="somebody", force_conflicts=True
    )
    code, _, err = deploy(*arguments, "--no-wait")
    assert code == 1
    assert ".spec.replicas" in err
    assert "somebody" in err
    assert "--force" in err
    assert deploy(*arguments, "--no-wait", "--force")[0] == 0
    assert cluster.get(timers)["spec"]["replicas"] == 2


def test_a_built_folder_is_applied_as_it_stands(cluster, restricted, deploy, image, tmp_path):
    """DIR in place of PIPELINE: what was reviewed is what is applied."""
    space = restricted()
    result = compile_loaded(Source.load(str(TRIAGE)), targets=("kubernetes",), options={"image": image})
    for path, data in result.artifacts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    code, out, err = deploy(tmp_path, "--namespace", space)
    assert code == 0, out + err
    available(cluster, base(TRIAGE, space, image))


def test_a_context_that_is_not_there(kubeconfig):
    """A context that the kubeconfig has not is named."""
    with pytest.raises(ClusterError, match="the context 'nowhere-at-all' cannot be used"):
        Cluster("nowhere-at-all", str(kubeconfig))
