"""CEL's extension of encoders, and what is ours: JSON, parts of URLs."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import ANY, BYTES, STRING
from saltern_compiler.expr.signatures import VALUE, Function, Overload, function

ENCODERS: Final[tuple[Function, ...]] = (
    function("base64.encode", "Octets as base64.", 'base64.encode(b"hello") == "aGVsbG8="', Overload((BYTES,), STRING)),
    function(
        "base64.decode", "The octets of base64, with its padding or without.", 'base64.decode("aGVsbG8") == b"hello"',
        Overload((STRING,), BYTES, fails=True),
    ),
    function(
        "json.encode", "A value as JSON, without white space.", 'json.encode({"a": [1, null]}) == "{\\"a\\":[1,null]}"',
        Overload((VALUE,), STRING, fails=True), ours=True,
    ),
    function(
        "json.decode", "The value that JSON says.", 'json.decode("[1, 2]")[0] == 1', Overload((STRING,), ANY, fails=True), ours=True
    ),
    function(
        "url.encode", "The text as one part of a URL.", 'url.encode("a b&c") == "a%20b%26c"', Overload((STRING,), STRING, fails=True),
        ours=True,
    ),
    function(
        "html.escape", "The text as HTML shows it.", 'html.escape("a & <b>") == "a &amp; &lt;b&gt;"', Overload((STRING,), STRING), ours=True
    ),
    function(
        "slack.escape", "The text as Slack shows it, without a mention or a link.", 'slack.escape("<!channel>") == "&lt;!channel&gt;"',
        Overload((STRING,), STRING), ours=True,
    ),
    function(
        "raw", "The text as it is, where its place would have it escaped.", 'raw("<!here>") == "<!here>"', Overload((STRING,), STRING),
        ours=True,
    ),
)  # fmt: skip
