"""What comes into a URL or a message is escaped for it: generated, and run against real servers."""

import pytest

from saltern_compiler.driver import compile_source, write_tree
from tests.support.built import importable
from tests.support.once import run_once

TEXT = """
pipeline escapes
input { q: string, base: string, n: int, maybe: any }
connection site = http { base_url: "SITE" }
connection team = slack { token: env("SLACK_TOKEN") }

query = http.request(site) { url: `/search?q={{ input.q }}&n={{ input.n }}&{{ raw("x=1") }}` }
whole = http.request { url: `{{ input.base }}/part/{{ input.q }}/{{ input.maybe }}` }
told = slack.post_message(team) { channel: "#a", text: `<!here> *{{ input.q }}* {{ raw(input.q) }}{{ input.n > 9 ? "<!channel>" : raw(input.q) }}` }
alone = slack.post_message(team) { channel: "#a", text: input.q }
plain = set { value: `{{ input.q }} {{ html.escape(input.q) }}` }
return { query: query.status, whole: whole.status, told: told.ts, alone: alone.ts, plain: plain }
"""


@pytest.fixture
def sent(tmp_path, redis_url, web_double, slack_double, monkeypatch):
    """Run the pipeline with a text, and return the run, what the site was asked and what was posted."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-1")
    monkeypatch.setenv("SALTERN_PRIVATE_NETWORKS", "any")
    result = compile_source(TEXT.replace("SITE", web_double.url), source_name="escapes.saltern")
    assert result.diagnostics == ()
    write_tree(result.artifacts, tmp_path / "tree")

    def send(text):
        with importable(tmp_path / "tree", "escapes") as load:
            given = {"q": text, "base": web_double.url, "n": 3, "maybe": None}
            run = run_once(load("graph").GRAPH, given, redis_url=redis_url)
        asked = sorted(((each.path, each.query) for each in web_double.received), key=lambda pair: pair[0])
        return run, asked, [each.body["text"] for each in slack_double.received]

    return send


@pytest.mark.parametrize(
    ("text", "path", "shown", "page"),
    [
        ("a&b=c#d", "a%26b%3Dc%23d", "a&amp;b=c#d", "a&amp;b=c#d"),
        ("<!channel> & <b>", "%3C%21channel%3E%20%26%20%3Cb%3E", "&lt;!channel&gt; &amp; &lt;b&gt;", "&lt;!channel&gt; &amp; &lt;b&gt;"),
        ("../../admin?x", "..%2F..%2Fadmin%3Fx", "../../admin?x", "../../admin?x"),
        ("http://evil.example", "http%3A%2F%2Fevil.example", "http://evil.example", "http://evil.example"),
        ("\N{SNOWMAN} 100%+", "%E2%98%83%20100%25%2B", "\N{SNOWMAN} 100%+", "\N{SNOWMAN} 100%+"),
        ("<https://evil.example|safe>", "%3Chttps%3A%2F%2Fevil.example%7Csafe%3E", "&lt;https://evil.example|safe&gt;", "&lt;https://evil.example|safe&gt;"),
        ("&amp;", "%26amp%3B", "&amp;amp;", "&amp;amp;"),
        ("'\"", "%27%22", "'\"", "&#x27;&quot;"),
    ],
)  # fmt: skip
def test_a_value_stays_a_value(sent, text, path, shown, page):
    """Whatever a value is, it is one part of a URL, and text in a message; `raw` puts it in as it is, behind a condition too."""
    run, asked, posted = sent(text)
    assert run.state == "SUCCEEDED", run.failure
    assert asked == [(f"/part/{path}/", {}), ("/search", {"q": text, "n": "3", "x": "1"})]
    assert sorted(posted) == sorted([f"<!here> *{shown}* {text}{text}", shown])
    assert run.output["plain"] == f"{text} {page}"
