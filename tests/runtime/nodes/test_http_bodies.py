"""What http.request makes of the bodies that servers send, as they come."""

import codecs
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.nodes import http


class _Fixed(BaseHTTPRequestHandler):
    """Sends the bytes that the test says."""

    def do_GET(self):
        kind, content = self.server.answer
        self.send_response(200)
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def fixed():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Fixed) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def answered(fixed, context):
    """Say what the server sends, and what the node makes of it."""

    def ask(content, kind="text/plain"):
        fixed.answer = (kind, content)
        return http.request(context(), url=f"http://127.0.0.1:{fixed.server_address[1]}/").body

    return ask


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "text/csv", "application/xml", "text/x-anything", ""])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Café crème à la carte, s'il vous plaît", "latin-1"),
        ("Grüße aus München, schöne Straße", "latin-1"),
        ("café", "latin-1"),
        ("Ærø og Tåsinge er øer i Danmark", "latin-1"),
        ("São João não é a estação", "latin-1"),
        ("Größe: 5 €", "cp1252"),
        ("“quoted” — dash", "cp1252"),
        ("Città, perché, più", "latin-1"),
        ("El niño comió una piñata en el jardín", "latin-1"),
        ("naïve façade", "latin-1"),
        ("Hällo", "latin-1"),
        ("你好", "gbk"),
        ("北京欢迎你", "gb2312"),
        ("价格一百元", "gbk"),
        ("今天天气很好我们去公园散步", "gb18030"),
        ("订单已发货", "gbk"),
        ("用户登录失败", "gbk"),
        ("中文网页没有声明字符集但是浏览器可以显示", "gbk"),
        ("台灣的網頁", "big5"),
        ("こんにちは世界", "shift_jis"),
        ("こんにちは世界、元気ですか", "euc-jp"),
        ("안녕하세요 세계", "euc-kr"),
        ("Привет, мир! Как дела?", "cp1251"),
        ("Привет, мир! Как дела?", "koi8-r"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Καλημέρα κόσμε", "iso8859-7"),
        ("שלום עולם", "cp1255"),
        ("şöyle güzel bir gün", "cp1254"),
        ("plain", "ascii"),
        ("déjà vu 你好", "utf-8"),
    ],
)
def test_text_without_a_charset_is_text(answered, text, encoding, kind):
    """UTF-8 where it is that, else what a detector says."""
    assert answered(text.encode(encoding), kind) == text


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=latin-1", "; charset=nonsense"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize(
    "kind", ["application/json", "application/problem+json", "text/json", "text/plain", "text/html"]
)
def test_a_byte_order_mark_says_the_encoding(answered, mark, encoding, charset, kind):
    """Whatever the header says, and it is no part of the text."""
    value = {"name": "Zoë 你好"}
    body = answered(mark + json.dumps(value, ensure_ascii=False).encode(encoding), kind + charset)
    assert (body if "json" in kind else json.loads(body)) == value


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
def test_json_of_any_unicode_needs_no_mark(answered, encoding):
    """Its first characters tell (RFC 4627)."""
    assert answered('{"a": ["é", 1]}'.encode(encoding), "application/json") == {"a": ["é", 1]}


@pytest.mark.parametrize("charset", ["gbk", "GB2312", "gb18030", '"gbk"', "GBK; q=1"])
def test_the_header_is_believed(answered, charset):
    """Where the bytes are of what it says."""
    assert answered("北京".encode("gbk"), f"text/html; charset={charset}") == "北京"


@pytest.mark.parametrize(
    "charset", ["nonsense", "utf-8", "ascii", "rot13", "hex", "zlib", "idna", "undefined", "unicode_escape", ""]
)
def test_a_header_that_is_wrong_costs_nothing(answered, charset):
    """The next sign decides."""
    assert answered("Grüße aus München".encode("latin-1"), f"text/plain; charset={charset}") == "Grüße aus München"


@pytest.mark.parametrize(
    "page",
    [
        '<meta charset="iso-8859-2"><p>{}',
        "<META CHARSET=iso-8859-2><p>{}",
        "<html><head>\n<meta charset = 'iso-8859-2' /></head>{}",
        '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">{}',
        '<meta content="text/html;charset=iso-8859-2" http-equiv=content-type>{}',
        '<!doctype html><title>x</title><meta name="a" content="b"><meta charset="iso-8859-2">{}',
        '<?xml version="1.0" encoding="iso-8859-2"?><a>{}</a>',
        "<?xml version='1.0' encoding='ISO-8859-2' standalone='yes'?><a>{}</a>",
        '<meta charset="nonsense"><meta charset="iso-8859-2">{}',
        "<!-- " + "x" * 500 + ' --><meta charset="iso-8859-2">{}',
    ],
)
def test_a_page_says_its_charset(answered, page):
    """In a `<meta>` or in the declaration of XML, in its first bytes."""
    text = page.format("Zażółć gęślą jaźń")
    assert answered(text.encode("iso-8859-2"), "text/html") == text


def test_a_page_in_utf_8_that_says_utf_16_is_what_it_is(answered):
    """What could be read as far as the `<meta>` is no UTF-16."""
    text = '<meta charset="utf-16"><p>déjà'
    assert answered(text.encode(), "text/html") == text


def test_what_is_called_text_is_text_at_last(answered):
    """What no encoding explains comes with marks in place of what cannot be read."""
    body = answered(b"good \xff\xfe\x00\x81\x8d bad" * 3 + bytes(range(256)), "text/plain")
    assert body.startswith("good ")
    assert "\ufffd" in body


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "application/pdf", ""])
def test_other_bytes_are_no_text(answered, kind):
    """Nothing is guessed where it is not called text."""
    with pytest.raises(PermanentError) as caught:
        answered(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), kind)
    assert caught.value.code == "not-text"


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "Infinity", "-Infinity", "[NaN]", '{"a": NaN}', '{"a": {"b": [1, Infinity]}}', '{"a": -Infinity}',
        "1e999", "[-1e999]", '{"a": 1.5e400}', "9" * 400 + ".0", '"\\ud800"', '{"\\udfff": 1}', '["ok", "\\ud83d"]',
        "[" * 65 + "]" * 65, '{"a":' * 300 + "1" + "}" * 300,
    ],
)  # fmt: skip
def test_json_that_cannot_be_kept_as_it_is_is_an_error(answered, text):
    """No number becomes null, no text becomes another one, and what nests deeper than values may is none."""
    with pytest.raises(PermanentError) as caught:
        answered(text.encode(), "application/json")
    assert caught.value.code == "not-json"


@pytest.mark.parametrize(
    "text",
    [
        "1e308", "-0.0", "5e-400", '"\\ud83d\\ude00"', '"NaN"', "123456789012345678901234567890", "[" * 64 + "1.5" + "]" * 64,
        '{"a":' * 64 + "1" + "}" * 64,
    ],
)  # fmt: skip
def test_other_json_is_its_value(answered, text):
    """Also at the edges."""
    assert answered(text.encode(), "application/json") == json.loads(text)
