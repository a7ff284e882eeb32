"""Sentinels over TLS: a real sentinel names a server, and both ask whoever comes for a certificate."""

import pytest
import redis

from saltern_runtime.engine.celery import CeleryDispatcher
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Bell
from tests.runtime.servers.conftest import start, unfit, worked
from tests.support.redis import free_port
from tests.support.sentinels import SERVICE, sentinel
from tests.support.tls import Proxy
from tests.support.until import until


@pytest.fixture(scope="module")
def certificates(authority):
    """Return what stands behind `?`: the authority, and a certificate that it gave to the service."""
    certificate, key = authority.issue("behind")
    return f"ssl_ca_certs={authority.ca}&ssl_certfile={certificate}&ssl_keyfile={key}"


@pytest.fixture
def sentinels(tmp_path, own_redis, authority):
    """Start a sentinel before a server, each behind TLS; returns the port of the sentinel."""
    certificate, key = authority.issue("servers", "127.0.0.1")
    plain, port, primary = free_port(), free_port(), free_port()
    proxies = [
        Proxy(primary, own_redis.port, certificate, key, authority.ca, plain=True),
        Proxy(port, plain, certificate, key, authority.ca),
    ]
    for proxy in proxies:
        proxy.start()
    process = sentinel(tmp_path, plain, primary)
    assert until(lambda: knows(plain), 30)
    yield port
    process.kill()
    process.wait()
    for proxy in proxies:
        proxy.stop()


def knows(port):
    """Say whether a sentinel answers, and has seen its server."""
    try:
        with redis.Redis(port=port, decode_responses=True) as client:
            return not client.sentinel_master(SERVICE)["is_sdown"]
    except redis.exceptions.RedisError:
        return False


def test_runs_end_behind_sentinels_over_tls(sentinels, on, certificates):
    """The store is the server that the sentinel names, and so is the broker: both are reached by TLS, the sentinel too."""
    url = f"rediss+sentinel://127.0.0.1:{sentinels}/{SERVICE}"
    asked = f"{url}?{certificates}"
    assert unfit(asked, broker=asked) == ""
    process = on(asked, broker_url=asked)
    process.service.prepare()
    worked(process, start(process))
    dispatcher = CeleryDispatcher("desk", Settings(broker_url=asked))
    dispatcher.ring([Bell(0, "0123abcd.q", 0, 1, "step")])
    assert dispatcher.waiting("0123abcd.q") == 1


def test_a_sentinel_that_refuses_a_certificate_is_told_at_start(sentinels, certificates, tmp_path):
    """No certificate of one's own, and a name of the service that the sentinel does not know."""
    url = f"rediss+sentinel://127.0.0.1:{sentinels}"
    (authority,) = (part for part in certificates.split("&") if part.startswith("ssl_ca_certs"))
    assert unfit(f"{url}/{SERVICE}?{authority}").startswith(
        f"TLS with {url}/{SERVICE}/0 fails (TLSV13_ALERT_CERTIFICATE_REQUIRED)"
    )
    assert unfit(f"{url}/mian?{certificates}") == f"the sentinels know no service 'mian'; they know {SERVICE}"
