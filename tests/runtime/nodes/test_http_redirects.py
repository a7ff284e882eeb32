"""How http.request follows redirects: GET and HEAD, a few, and with nothing that belongs to another host."""

import pytest

from examples.doubles.web import web
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Connection
from saltern_runtime.nodes import http


@pytest.fixture
def other():
    with web() as double:
        yield double


@pytest.fixture
def vendor(web_double, monkeypatch):
    """Give a connection with a base path, a token and a header."""
    monkeypatch.setenv("TEST_TOKEN", "hush")
    settings = {"base_url": f"{web_double.url}/v1", "headers": {"X-Team": "salt"}}
    return Connection("vendor", connector="http", settings=settings, secrets={"token": "env:TEST_TOKEN"})


def to(location, status=302):
    return {"status": status, "body": "", "headers": {"location": location}}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_redirect_is_followed(context, web_double, status, method):
    """The result is what stands at the end."""
    web_double.fail(to("/there?x=1", status))
    answer = http.request(context(), method=method, url=f"{web_double.url}/here")
    assert answer.status == 200
    assert [(got.method, got.path) for got in web_double.received] == [(method, "/here"), (method, "/there")]
    assert web_double.received[1].query == {"x": "1"}


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/there", "/there"), ("there", "/a/there"), ("../there", "/there"), ("?x=1", "/a/here"), ("{base}/there", "/there"),
        ("//{host}/there", "/there"), ("/th%20ere", "/th%20ere"), ("/th ere", "/th%20ere"), ("/there#part", "/there"),
        ("/%E4%BD%A0", "/%E4%BD%A0"),
    ],
)  # fmt: skip
def test_a_location_is_read_as_browsers_do(context, web_double, location, path):
    """Relative to what was asked."""
    host = web_double.url.removeprefix("http://")
    web_double.fail(to(location.format(base=web_double.url, host=host)))
    http.request(context(), url=f"{web_double.url}/a/here")
    assert web_double.received[1].path == path


@pytest.mark.parametrize("location", ["http://elsewhere.example/", "http://a:b/", "http://[::1/", "javascript:x"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_changes_something_is_not_sent_elsewhere(context, web_double, method, location):
    """The redirect is the result, and shows where it leads, though no request could go there."""
    web_double.fail(to(location, 307))
    answer = http.request(context(), method=method, url=web_double.url)
    assert (answer.status, answer.headers["location"]) == (307, location)


@pytest.mark.parametrize(
    "fault", [{"status": 304, "body": ""}, {"status": 302, "body": "no place"}, to("/x", 300), to("/x", 305)]
)
def test_other_answers_of_this_kind_are_results(context, web_double, fault):
    """They lead nowhere."""
    web_double.fail(fault)
    assert http.request(context(), url=web_double.url).status == fault["status"]
    assert len(web_double.received) == 1


@pytest.mark.parametrize("location", ["/again", "/"])
def test_there_is_an_end(context, web_double, location):
    """Also of those that lead back to where they come from."""
    web_double.fail(*[to(location)] * 30)
    with pytest.raises(PermanentError) as caught:
        http.request(context(), url=web_double.url)
    assert (caught.value.code, caught.value.status) == ("too-many-redirects", 302)
    assert len(web_double.received) == 11


@pytest.mark.parametrize(
    "location",
    ["ftp://a/b", "file:///etc/passwd", "javascript:x", "http://a:b/", "http://user:pw@a/", "http://[::1/"],
)
def test_where_no_request_can_go_is_an_error(context, web_double, location):
    """As a URL of the pipeline's own would be."""
    web_double.fail(to(location))
    with pytest.raises(PermanentError) as caught:
        http.request(context(), url=web_double.url)
    assert caught.value.code == "bad-url"


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "169.254.169.254"])
def test_a_redirect_does_not_lead_into_the_own_network(context, web_double, other, host):
    """What a URL may not, a redirect may not, whatever connection was asked first."""
    inside = Connection("vendor", connector="http", settings={"base_url": web_double.url})
    web_double.fail(to(f"http://{host}:{other.server_address[1]}/"))
    with pytest.raises(PermanentError) as caught:
        http.request(context(inside, private_networks=""), url="/here")
    assert caught.value.code == "private-address"
    assert other.received == []


def test_each_step_is_judged(context, web_double, other):
    """Without a connection too: that the first host may be asked says nothing of the next one."""
    web_double.fail(to(f"http://127.0.0.9:{other.server_address[1]}/"))
    with pytest.raises(PermanentError) as caught:
        http.request(context(private_networks="127.0.0.1"), url=web_double.url)
    assert caught.value.code == "private-address"


def test_inside_of_a_connection_everything_is_kept(context, vendor, web_double):
    """Token and headers go along, and the place is not judged."""
    web_double.fail(to("/v1/there"))
    got = http.request(context(vendor, private_networks=""), url="/here", headers={"x-own": "1"}).body
    assert got["path"] == "/v1/there"
    assert [got["headers"].get(name) for name in ("authorization", "x-team", "x-own")] == ["Bearer hush", "salt", "1"]


@pytest.mark.parametrize("location", ["/v2/there", "/v1/../v2/there", "/v1/%2e%2e/v2/there"])
def test_beside_the_base_of_a_connection_its_own_is_left_behind(context, vendor, web_double, location):
    """The host is the developer's, the path is not."""
    web_double.fail(to(location))
    headers = http.request(context(vendor, private_networks=""), url="/here", headers={"x-own": "1"}).body["headers"]
    assert [headers.get(name) for name in ("authorization", "x-team", "x-own")] == [None, None, "1"]


def test_another_host_gets_nothing_of_the_first(context, vendor, web_double, other):
    """Another port is another host; what came there does not come back either."""
    given = {"authorization": "mine", "cookie": "a=b", "x-api-key": "k", "accept": "text/html"}
    for asked in (context(vendor), context()):
        web_double.reset()
        web_double.fail(to(f"{other.url}/there"))
        other.fail(to(f"{web_double.url}/v1/back"))
        url = "/here" if asked.connection else f"{web_double.url}/here"
        assert http.request(asked, url=url, headers=given).status == 200
        for got in (other.received[-1], web_double.received[-1]):
            assert not {"authorization", "cookie", "x-api-key", "x-team"} & got.headers.keys()
            assert got.headers["accept"] == "text/html"
