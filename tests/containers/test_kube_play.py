"""The emitted Kubernetes manifests as pods on this machine: what a cluster without nodes cannot show is that they start."""

import base64
import json
import shutil
import subprocess
import time
import uuid

import pytest
import yaml

from saltern_compiler.driver import Source, compile_loaded
from saltern_runtime.web import tokens
from tests.containers.conftest import TRIAGE, signed

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
TOKEN, ENTRY = tokens.new("default")
SECRETS = "support-triage-secrets"
PLAYED = ("ConfigMap", "Deployment")
CALL = """
import json, sys, urllib.error, urllib.request
method, path, body, headers = json.loads(sys.argv[1])
request = urllib.request.Request("http://127.0.0.1:8000" + path, body and body.encode(), headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
"""


def podman(*arguments, check=True, **options):
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False, timeout=180, **options)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def until(what, shown, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, shown()
        time.sleep(0.2)


@pytest.fixture
def network(engine):
    """Make a network of the test's own."""
    if engine != "podman" or shutil.which("podman") is None:
        pytest.skip("only podman plays Kubernetes manifests")
    name = f"saltern-test-{uuid.uuid4().hex[:8]}"
    podman("network", "create", name)
    yield name
    podman("network", "rm", "--force", name, check=False)


@pytest.fixture
def store(network, redis_image):
    """Start a Redis on the network; gives its URL."""
    if not redis_image:
        redis_image = "docker.io/library/redis:7.4.5-bookworm"
    name = f"saltern-test-redis-{uuid.uuid4().hex[:8]}"
    podman(
        "run", "--detach", "--name", name, "--network", network, redis_image, "redis-server", "--protected-mode", "no"
    )
    yield f"redis://{name}:6379/0"
    podman("rm", "--force", "--volumes", "--time", "0", name, check=False)


@pytest.fixture
def secret(store):
    """Keep what the manifests refer to, in the two forms that versions of podman read: a map, and a Secret's `data`."""
    if podman("secret", "ls", "--filter", f"name={SECRETS}", "--format", "{{.Name}}").strip():
        pytest.skip(f"podman has a secret {SECRETS} already")
    values = {
        "SALTERN_REDIS_URL": store,
        "SALTERN_BROKER_URL": store,
        "SALTERN_API_TOKENS": str(ENTRY),
        "WEBHOOK_SECRET": SECRET,
        "CRM_DSN": "postgresql://127.0.0.1:1/x",
        "OPENAI_API_KEY": "sk-x",
        "SLACK_TOKEN": "xoxb-x",
    }
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    version = tuple(int(part) for part in podman("version", "--format", "{{.Client.Version}}").split(".")[:2])
    kept = encoded if version < (4, 4) else {"apiVersion": "v1", "kind": "Secret", "data": encoded}
    podman("secret", "create", SECRETS, "-", input=json.dumps(kept))
    yield
    podman("secret", "rm", SECRETS, check=False)


@pytest.fixture
def pods(network, secret, image, tmp_path):
    """Play Deployments and ConfigMaps as they are emitted; gives the containers' names."""
    files = compile_loaded(Source.load(str(TRIAGE)), targets=("kubernetes",), options={"image": image}).artifacts
    manifests = [
        data for path, data in files.items() if path.startswith("deploy/kubernetes/") and path.endswith(".yaml")
    ]
    found = [each for data in manifests for each in yaml.safe_load_all(data) if each and each["kind"] in PLAYED]
    file = tmp_path / "pods.yaml"
    file.write_text(yaml.safe_dump_all(sorted(found, key=lambda each: each["kind"])))
    try:
        podman("kube", "play", "--network", network, str(file))
        listed = podman("ps", "--format", "{{.Names}}").split()
        names = [name for name in listed if name.startswith("support-triage-") and "-pod-" in name]
        yield {name.rsplit("-pod-", 1)[0].removeprefix("support-triage-"): name for name in names}
    finally:
        podman("kube", "down", str(file), check=False)


def test_the_emitted_pods_start(pods):
    """API, each worker and timers run as their manifests say, pass their probes, and work on a signed webhook's run."""
    assert {name.rpartition("-")[0] if name.startswith("worker") else name for name in pods} == {
        "api", "timers", "worker-default", "worker-io", "worker-model",
    }  # fmt: skip

    def logs():
        return "\n\n".join(f"== {name}\n{podman('logs', name, check=False)}" for name in pods.values())

    def call(method, path, body=None, headers=None):
        said = podman(
            "exec", pods["api"], "python", "-c", CALL, json.dumps([method, path, body, headers or {}]), check=False
        )
        status, _, text = said.partition(" ")
        return status, json.loads(text) if text.strip() else None

    until(lambda: call("GET", "/readyz")[0] == "200", logs)
    for name in pods.values():
        hardened = json.loads(podman("inspect", name))[0]
        assert hardened["HostConfig"]["ReadonlyRootfs"] is True
        assert hardened["Config"]["User"] == "10001:10001"
        assert hardened["EffectiveCaps"] in (None, [])
        probe = ["exec", name, "python", "-m", "saltern_runtime.observe.health"]
        target = "http://127.0.0.1:8000/healthz" if name == pods["api"] else "/tmp/alive"
        until(lambda probe=probe, target=target: _passes(*probe, target), logs)

    body, headers = signed(SECRET)
    status, answer = call("POST", "/tickets", body, headers)
    assert status == "202", answer
    mine = {"authorization": f"Bearer {TOKEN}"}
    run = f"/runs/{answer['id']}"
    until(lambda: any(node["attempt"] for node in call("GET", run, headers=mine)[1]["nodes"]), logs)


def _passes(*command):
    return subprocess.run(["podman", *command], capture_output=True, check=False).returncode == 0
