"""What the first bytes of a file say it is, and texts that begin as the mark of something else does."""

import bz2

import pytest

from saltern_runtime.errors import PermanentError

pytestmark = pytest.mark.usefixtures("here")
WORDS = (
    "ID3", "BZh", "BZh9", "GIF8", "GIF89a", "RIFF", "RIFFabcdWAVE", "PAR1", "OggS", "Rar!", "%!PS", "{\\rtf", "%PDF-", "BM", "PK", "II*", "MZ"
)  # fmt: skip
"""Marks that are nothing but letters, or begin with them."""
FORMATS = (
    (b"ID3\x03\0\0\0\0\x0f\x76TIT2", "an MP3 file"),
    (b"ID3\x04\0\0\0\0\x0f\x76TIT2", "an MP3 file"),
    (bz2.compress(b"x" * 99), "compressed by bzip2"),
    (bz2.compress(b""), "compressed by bzip2"),
    (b"GIF87a\x80\x02\xe0\x01\xf7\0\0", "a GIF image"),
    (b"GIF89a\x01\0\x01\0\x80\0\0", "a GIF image"),
    (b"GIF89a\x00\x09\x01\0\x80\0\0", "a GIF image"),
    (b"RIFF\x24\x08\0\0WAVEfmt \x10\0", "a RIFF file"),
    (b"RIFF\xff\xff\xff\xffAVI LIST", "a RIFF file"),
    (b"RIFF\x1a\x02\x01\0WEBPVP8 ", "a RIFF file"),
    (b"PAR1\x15\x04\x15\x10\x15\x14L", "a Parquet file"),
    (b"OggS\0\x02\0\0\0\0\0\0\0\0", "an Ogg file"),
    (b"Rar!\x1a\x07\0\xcf\x90", "a RAR archive"),
    (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript file"),
    (b"%!PS\n/Times findfont", "a PostScript file"),
    (b"{\\rtf1\\ansi x}", "an RTF document"),
)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ["it", "it.csv"])
def test_a_table_may_begin_with_any_word(rows, word, name):
    """Letters alone are the mark of nothing: what makes a format is what its bytes say behind them."""
    assert rows(f"{word},a\n1,2\n".encode(), name) == [{word: "1", "a": "2"}]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("name", "kind"), [("it", ""), ("notes.txt", ""), ("it", "text/plain; charset=utf-8")])
def test_a_text_may_begin_with_any_word(text, word, name, kind):
    """Whether anything says that it is one, or nothing does."""
    assert text(f"{word}: what is it?\n".encode(), name, kind).text == f"{word}: what is it?\n"


@pytest.mark.parametrize(
    "written", ["%!PS-Adobe-3.0\nis how it begins", "{\\rtf1 begins RTF}", "%PDF-1.7\nis how it begins"]
)
def test_what_says_that_it_is_a_text_and_is_one_is_read(text, written):
    """Its source is what is asked for: nobody would have called it text otherwise."""
    assert text(written.encode(), "notes.txt").text == written
    assert text(written.encode(), "it", "text/plain").text == written
    with pytest.raises(PermanentError):
        text(written.encode(), "it")


@pytest.mark.parametrize(("content", "what"), FORMATS)
@pytest.mark.parametrize("name", ["it", "it.bin"])
def test_a_format_is_refused_by_name(text, rows, content, what, name):
    """Whatever it is, the error says so."""
    for read in (text, rows):
        with pytest.raises(PermanentError, match=what) as refused:
            read(content, name)
        assert refused.value.code == "unsupported-type"


@pytest.mark.parametrize(("content", "what"), [each for each in FORMATS if not each[0].isascii() or b"\0" in each[0]])
def test_what_says_that_it_is_a_text_and_is_none_is_refused(rows, content, what):
    """The name changes nothing about the bytes."""
    with pytest.raises(PermanentError, match=what):
        rows(content, "it.csv", "text/csv")


def test_rich_text_is_no_text(text):
    """Its type begins as those of texts do."""
    with pytest.raises(PermanentError, match="an RTF document"):
        text(b"{\\rtf1 x}", "it", "text/rtf")
