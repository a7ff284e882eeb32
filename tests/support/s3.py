"""An S3 server for tests: moto's, in a process of its own on loopback; it may be killed and started again (empty then)."""

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

from tests.support.redis import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "not-secret", "AWS_REGION": "us-east-1"}


class S3Server:
    """A server of the test's own, or of the session's."""

    def __init__(self, **environment):
        self.port = free_port()
        self.environment = environment
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Start, and wait until it answers."""
        from botocore.exceptions import BotoCoreError, ClientError

        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **self.environment}
        )
        end = time.monotonic() + 60
        while True:
            try:
                self.client().list_buckets()
            except (BotoCoreError, ClientError):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return

    def client(self, service="s3"):
        """Return the vendor's own client."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
        )

    def bucket(self):
        """Make a bucket, and return its name."""
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket):
        """Return the keys of all objects in a bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", ()))

    def kill(self):
        """SIGKILL: all buckets are gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="session")
def s3_server():
    """One server for the session; each test makes buckets of its own."""
    server = S3Server()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_s3():
    """A server of the test's own, to be killed and started again."""
    server = S3Server()
    server.start()
    yield server
    server.kill()


def use(monkeypatch, server, **changes):
    """Let this process, and those that it starts, reach a server as AWS's tools do."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": server.url, **changes}.items():
        monkeypatch.setenv(name, value)
