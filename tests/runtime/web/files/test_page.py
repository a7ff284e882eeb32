"""The page of runs offers the files of an input or output, with the token that it has."""

import pytest

from tests.support import browser, files
from tests.support.until import until


@pytest.fixture
def page(tmp_path):
    made = browser.Browser(tmp_path)
    yield made
    made.close()


@browser.needed
def test_a_file_is_shown_and_saved(serve, page, keyring, tmp_path):
    """With its name and size; what could be a page is saved, not opened."""
    text = b"<script>document.title = 'run'</script>" + b" " * 2000
    with serve(docs="open") as (process, client):
        form = [("doc", ("<b>Grüße</b>.html", text, "text/html"))]
        client.post("/runs", files=form).raise_for_status()
        page.open(f"{process.url}/#token={files.bearer(keyring)['Authorization'].split()[1]}")
        shown = page.until("document.querySelector('.file')?.innerText")
        assert shown.splitlines()[0] == "b>.html"  # the last part of what looks like a path
        assert "2.0 kB" in shown
        page.until("document.querySelector('.file button').click() || true")
        found = until(lambda: [path for path in tmp_path.glob("*.html") if path.stat().st_size])
        assert [path.read_bytes() for path in found] == [text]
        assert page.until("document.title") != "run"
