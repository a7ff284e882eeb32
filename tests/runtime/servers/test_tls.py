"""TLS with certificates on both sides, for the store and the broker; passwords in files; nothing secret is told."""

import os
import re

import pytest

from saltern_runtime.engine.celery import CeleryDispatcher, celery_app
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Bell
from saltern_runtime.store.rights import BROKER, SELECT, STORE, broker_keys_of, channels_of, keys_of
from tests.runtime.servers.conftest import start, unfit, worked
from tests.support.effort import LONG
from tests.support.fleet import fleet
from tests.support.redis import free_port, limited
from tests.support.tls import Authority, Secured
from tests.support.until import until

BELL = Bell(0, "0123abcd.q", 0, 1, "step")


@pytest.fixture
def client_of(authority):
    """Return what stands behind `?`: the authority, and a certificate that it gave to the service."""
    certificate, key = authority.issue("service")
    return f"ssl_ca_certs={authority.ca}&ssl_certfile={certificate}&ssl_keyfile={key}"


@pytest.fixture
def password(tmp_path):
    """Return a file with the password of the users that `limited` makes."""
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    return path


def test_runs_end_over_tls(secured, on, service, client_of, password):
    """The store over TLS, as a user with the store's rights, with a certificate of its own and its password in a file."""
    limited(secured.server, "store", STORE, keys_of(service))
    process = on(f"rediss://store@localhost:{secured.port}/0?{client_of}&password_file={password}")
    process.service.prepare()
    worked(process, start(process))


def test_bells_ring_over_tls(secured, client_of, password):
    """The broker over TLS, as a user with the broker's rights: a bell is sent, and seen to wait."""
    limited(secured.server, "bells", {**BROKER, **SELECT}, broker_keys_of("desk"), channels_of(1))
    url = f"rediss://bells@localhost:{secured.port}/1?{client_of}&password_file={password}"
    settings = Settings(broker_url=url)
    dispatcher = CeleryDispatcher("desk", settings)
    dispatcher.ring([BELL])
    assert dispatcher.waiting("0123abcd.q") == 1
    assert unfit(f"rediss://localhost:{secured.port}/0?{client_of}", broker=url) == ""


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ("127.0.0.1:{port}/0?{client}", "IP address mismatch"),
        ("localhost:{port}/0?ssl_ca_certs={foreign}", "self-signed|unable to get local issuer"),
        ("localhost:{port}/0?ssl_ca_certs={ca}", "CERTIFICATE_REQUIRED"),
        ("localhost:{port}/0?ssl_ca_certs=/nowhere", "SALTERN_REDIS_URL: ssl_ca_certs: there is no file /nowhere"),
    ],
)
def test_a_certificate_that_is_none_is_told_at_start(secured, client_of, tmp_path, behind, said):
    """Another host's name, another authority, no certificate of one's own, a file that is not there."""
    foreign = Authority(tmp_path, "foreign").ca
    given = {"port": secured.port, "client": client_of, "foreign": foreign, "ca": secured.authority.ca}
    assert re.search(said, unfit(f"rediss://{behind.format(**given)}"))


def test_a_name_may_be_left_unchecked(secured, on, client_of):
    """`ssl_check_hostname=no` takes any host's name, still of a certificate that the authority gave."""
    assert unfit(f"rediss://127.0.0.1:{secured.port}/0?{client_of}&ssl_check_hostname=no") == ""


def test_a_wrong_password_is_told_at_start_and_never_shown(own_redis, caplog):
    """What refuses the user says which user, and neither the error nor the log has the password."""
    limited(own_redis, "store", STORE, keys_of("desk"))
    said = unfit(f"redis://store:hunter2@127.0.0.1:{own_redis.port}/0")
    assert f"redis://127.0.0.1:{own_redis.port}/0 refuses the user 'store' with this password" in said
    app = celery_app("desk", Settings(broker_url=f"redis://bells:hunter2@127.0.0.1:{own_redis.port}/0"))
    CeleryDispatcher("desk", Settings(broker_url=app.conf.broker_url), app).ring([BELL])
    assert "a bell was not sent" in caplog.text
    assert "hunter2" not in said + caplog.text


@pytest.mark.skipif(not os.environ.get("SALTERN_TEST_REDIS_SERVER"), reason="the server out of the wheel speaks no TLS")
def test_a_cluster_speaks_tls(tmp_path, authority, on, client_of):
    """A node that holds all slots names itself by a host that its certificate holds, and its port for TLS."""
    cluster = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--tls-cluster", "yes")
    named = ("--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname")
    hosts = ("localhost", "127.0.0.1")  # redis-py takes the one for the other in its map
    node = Secured(tmp_path, authority, *hosts, more=(*cluster, *named))
    node.start()
    try:
        with node.server.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
            until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        url = f"rediss+cluster://localhost:{node.port}?{client_of}"
        assert unfit(url) == ""
        process = on(url)
        worked(process, start(process))
    finally:
        node.stop()


@pytest.mark.skipif(not LONG, reason="the long form: processes of their own")
def test_processes_speak_tls(secured, client_of, password, tmp_path):
    """A worker and timers over TLS on both ways; no password is in what they write."""
    limited(secured.server, "store", STORE, keys_of("echo"))
    limited(secured.server, "bells", BROKER, broker_keys_of("echo"), channels_of(0))
    url = f"rediss://{{}}@localhost:{secured.port}/0?{client_of}&password_file={password}"
    with fleet(tmp_path, redis_url=url.format("store"), broker_url=url.format("bells")) as made:
        assert made.run().state == "SUCCEEDED"
    assert "s3cret" not in made.said()
