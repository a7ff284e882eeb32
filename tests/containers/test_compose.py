"""compose.yaml as it is emitted: started, ready, healthy, and gone again."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx
import pytest

from saltern_compiler.driver import Source, compile_loaded, write_tree
from saltern_runtime.web import tokens
from tests.containers.conftest import TRIAGE, signed
from tests.support.redis import free_port

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
TOKEN, ENTRY = tokens.new("default")


@pytest.fixture(scope="module")
def compose(engine):
    """Find the command that runs compose files on the engine that has the image."""
    if engine == "docker":
        if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
            return ["docker", "compose"]
        pytest.skip("docker has no compose plugin")
    found = shutil.which("podman-compose") or shutil.which("podman-compose", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("podman-compose is not installed: pip install podman-compose")
    return [found]


@pytest.fixture
def up(compose, engine, image, redis_image, tmp_path):
    """Start the project; yields how to call compose, and the API's address."""
    tree, port = tmp_path / "tree", free_port()
    write_tree(compile_loaded(Source.load(str(TRIAGE)), targets=("compose",)).artifacts, tree)
    project = f"saltern-test-{uuid.uuid4().hex[:8]}"
    values = {"IMAGE": image, "PORT": str(port), "WEBHOOK_SECRET": SECRET, "SALTERN_API_TOKENS": str(ENTRY)}
    vendors = {"CRM_DSN": "postgresql://127.0.0.1:1/x", "OPENAI_API_KEY": "sk-x", "SLACK_TOKEN": "xoxb-x"}
    environment = {**os.environ, **values, **vendors, **({"REDIS_IMAGE": redis_image} if redis_image else {})}

    def call(*arguments, **changed):
        return subprocess.run(
            [*compose, "-p", project, *arguments],
            cwd=tree,
            env={**environment, **changed},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    done = call("up", "--detach", "--no-build")
    assert done.returncode == 0, done.stderr
    yield call, f"http://127.0.0.1:{port}", project
    call("down", "--volumes", "--timeout", "1")


def containers(engine, project):
    """Return service → names of its containers."""
    listed = subprocess.run(
        [engine, "ps", "--filter", f"name={project}", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for name in listed.stdout.split():
        found.setdefault(name.removeprefix(project)[1:].rstrip("0123456789")[:-1], []).append(name)
    return found


def until(what, call, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            if what():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, call("logs").stdout[-5000:]
        time.sleep(0.2)


def test_the_whole_service_on_one_machine(up, engine):
    """API, worker, two timers and Redis start hardened, pass their health checks, and take a signed webhook's run."""
    call, base, project = up
    until(lambda: httpx.get(f"{base}/readyz").status_code == 200, call)
    running = containers(engine, project)
    assert {name: len(each) for name, each in running.items()} == {"api": 1, "worker": 1, "timers": 2, "redis": 1}

    for service, probe in (
        ("api", "http://127.0.0.1:8000/healthz"),
        ("worker", "/tmp/alive"),
        ("timers", "/tmp/alive"),
    ):
        for name in running[service]:
            check = [engine, "exec", name, "python", "-m", "saltern_runtime.observe.health", probe]
            until(lambda check=check: subprocess.run(check, capture_output=True, check=False).returncode == 0, call)

    body, headers = signed(SECRET)
    answer = httpx.post(f"{base}/tickets", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    run = f"{base}/runs/{answer.json()['id']}"
    mine = {"authorization": f"Bearer {TOKEN}"}
    until(lambda: any(node["attempt"] for node in httpx.get(run, headers=mine).json()["nodes"]), call)


def test_a_missing_secret_stops_it_with_its_name(up):
    """Where a secret is not set, compose says which, instead of starting without it."""
    call, _, _ = up
    done = call("config", CRM_DSN="")
    assert done.returncode != 0
    assert "CRM_DSN" in done.stderr
    assert "set it in the environment or in .env" in done.stderr
