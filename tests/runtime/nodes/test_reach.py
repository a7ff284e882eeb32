"""Where http.request may connect to: never into the service's own network, unless an operator says so."""

import socket
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from saltern_runtime.connectors import http_client
from saltern_runtime.connectors.base import PerProcess
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Connection
from saltern_runtime.nodes import http
from saltern_runtime.settings import Settings


class _Named(BaseHTTPRequestHandler):
    """Says at which address it was asked."""

    def do_GET(self):
        self.server.asked.append(self.headers["host"])
        content = self.server.server_address[0].encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def listening(address, port=0):
    with ThreadingHTTPServer((address, port), _Named) as server:
        server.daemon_threads, server.asked = True, []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def names(monkeypatch):
    """Give a resolver: name → the addresses of each look-up, one after the other; it keeps what it was asked."""
    known, asked, real = {}, [], socket.getaddrinfo

    def resolve(host, port, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in known:
            return real(host, port, *rest, **more)
        asked.append(name)
        given = known[name]
        found = given.pop(0) if len(given) > 1 else given[0]
        return [each for address in found for each in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    known["asked"] = asked
    return known


REFUSED = [
    "127.0.0.1", "127.8.9.10", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1",
    "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "2852039166",
    "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]",
    "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2001:db8::1]", "[100::1]", "[4000::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", REFUSED)
def test_no_url_leads_into_the_own_network(context, web_double, host):
    """In whatever form the address is written; the error names the rule, and nothing is sent."""
    with pytest.raises(PermanentError) as caught:
        http.request(context(private_networks=""), url=f"http://{host}:{web_double.server_address[1]}/")
    if caught.value.code != "bad-url":  # no URL at all, says httpx
        assert caught.value.code == "private-address"
        assert "SALTERN_PRIVATE_NETWORKS" in caught.value.message
    assert web_double.received == []


@pytest.mark.parametrize("url", ["http://127.0.0.1@{at}/", "http://example.com@{at}/", "http://example.com:80@{at}/"])
def test_what_stands_before_an_at_is_no_host(context, web_double, url):
    """Credentials are refused whatever host they feign."""
    with pytest.raises(PermanentError) as caught:
        http.request(context(private_networks=""), url=url.format(at=f"127.0.0.1:{web_double.server_address[1]}"))
    assert caught.value.code == "bad-url"
    assert web_double.received == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_name_is_judged_by_where_it_leads(context, names, address):
    """Not by how it looks."""
    names["pretty.example"] = [[address]]
    with pytest.raises(PermanentError) as caught:
        http.request(context(private_networks=""), url="https://pretty.example/")
    assert caught.value.code == "private-address"
    assert address not in caught.value.message


def test_what_was_checked_is_connected_to(context, names):
    """A name that leads elsewhere when it is looked up again gains nothing: it is looked up once, and the host stays the name."""
    with ExitStack() as stack:
        inside = stack.enter_context(listening("127.0.0.1"))
        port = inside.server_address[1]
        outside = stack.enter_context(listening("127.0.0.2", port))
        names["rebinds.example"] = [["127.0.0.2"], ["127.0.0.1"]]
        answer = http.request(context(private_networks="127.0.0.2/32"), url=f"http://rebinds.example:{port}/")
    assert answer.body == "127.0.0.2"
    assert (names["asked"], inside.asked) == (["rebinds.example"], [])
    assert outside.asked == [f"rebinds.example:{port}"]


def test_of_several_addresses_those_that_may_be_reached_are_tried_in_turn(context, names):
    """One that may not be reached is left out, one where nobody listens is passed over."""
    with listening("127.0.0.2") as server:
        names["many.example"] = [["127.0.0.1", "127.0.0.3", "127.0.0.2"]]
        url = f"http://many.example:{server.server_address[1]}/"
        assert http.request(context(private_networks="127.0.0.2/31"), url=url).body == "127.0.0.2"
        with pytest.raises(TransientError) as caught:
            http.request(context(private_networks="127.0.0.3/32"), url=url)
    assert caught.value.code == "unreachable"


def test_an_address_that_does_not_answer_leaves_time_for_the_next(context, names):
    """Each has its share of what is left of the attempt, so that a name with many of them holds no worker."""
    with socket.socket() as silent, socket.socket() as waiting:
        silent.bind(("127.0.0.2", 0))
        silent.listen(0)
        waiting.connect(silent.getsockname())  # it is never taken, and there is room for no second one
        with listening("127.0.0.3", silent.getsockname()[1]) as server:
            names["slow.example"] = [["127.0.0.2", "127.0.0.3"]]
            url = f"http://slow.example:{server.server_address[1]}/"
            assert http.request(context(private_networks="127.0.0.2/31", seconds=2.0), url=url).body == "127.0.0.3"


def test_a_connection_that_was_kept_serves_no_one_with_another_rule(context, web_double):
    """What one operator's rule let through is not there for another's in the same process."""
    assert http.request(context(private_networks="127.0.0.0/8"), url=web_double.url).status == 200
    with pytest.raises(PermanentError):
        http.request(context(private_networks=""), url=web_double.url)


@pytest.mark.parametrize("networks", ["any", "127.0.0.0/8", "10.0.0.0/8, 127.0.0.1"])
def test_an_operator_may_allow_networks(context, web_double, networks):
    """All of them (for development), or those that are named."""
    assert http.request(context(private_networks=networks), url=web_double.url).status == 200


def test_a_connection_leads_where_its_developer_wrote(context, web_double):
    """Its base URL stands in the pipeline, so no input chooses it."""
    inside = Connection("inside", connector="http", settings={"base_url": web_double.url})
    assert http.request(context(inside, private_networks=""), url="/x").body["path"] == "/x"


@pytest.mark.parametrize("name", ["does-not-exist.invalid", "a..b", "a" * 64 + ".example", "x" * 300])
@pytest.mark.parametrize("networks", ["", "any"])
def test_a_name_that_leads_nowhere_is_an_error_of_its_own(context, name, networks, names):
    """Of a name that can never be one, a permanent one."""
    with pytest.raises((TransientError, PermanentError)) as caught:
        http.request(context(private_networks=networks), url=f"http://{name}/")
    assert caught.value.code in {"unreachable", "bad-url"}


def test_a_name_that_leads_to_no_address_is_unreachable(context, names):
    """As one that is not known."""
    names["empty.example"] = [[]]
    with pytest.raises(TransientError) as caught:
        http.request(context(private_networks=""), url="http://empty.example/")
    assert caught.value.code == "unreachable"


def test_a_proxy_of_the_environment_decides_nothing(context, web_double, monkeypatch):
    """It would look the name up once more; only where every network is allowed is it used."""
    monkeypatch.setenv("HTTP_PROXY", web_double.url)
    monkeypatch.setattr(http_client, "_CLIENTS", PerProcess())  # those that are kept were made without a proxy
    with pytest.raises(PermanentError):
        http.request(context(private_networks=""), url="http://127.0.0.1:1/")
    assert web_double.received == []
    http.request(context(private_networks="any"), url="http://inside.example/page")
    assert [got.headers["host"] for got in web_double.received] == ["inside.example"]


@pytest.mark.parametrize("text", ["some", "10.0.0.0/33", "10.0.0.1/8", "any, 10.0.0.0/8", "10.0.0.0/8;"])
def test_a_setting_that_cannot_be_read_stops_the_service(text):
    """Before it takes work, by name."""
    with pytest.raises(ValueError, match="SALTERN_PRIVATE_NETWORKS"):
        Settings.from_env({"SALTERN_PRIVATE_NETWORKS": text})
