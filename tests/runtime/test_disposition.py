"""Names in a Content-Disposition: one way to read them, whoever sends it."""

import pytest

from saltern_runtime.disposition import field_of, filename_of


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("", None),
        ("attachment", None),
        (";;;=;filename", ""),
        ("attachment; filename=a.txt", "a.txt"),
        ('attachment; filename=""', ""),
        ('ATTACHMENT; FileName = "a b.txt"', "a b.txt"),
        ('attachment; filename="a;b=c.txt"', "a;b=c.txt"),
        ('attachment; filename="a\\"b.txt"', 'a"b.txt'),
        ('form-data; name="x"; filename="Grüße.txt"', "Grüße.txt"),
        ("attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"),
        ("attachment; filename*=utf-8'de'Gr%C3%BC%C3%9Fe.txt; filename=no.txt", "Grüße.txt"),
        ("attachment; filename=no.txt; filename* = ISO-8859-1''Gr%FC%DFe.txt", "Grüße.txt"),
        ("attachment; filename*=klingon''a.txt", "a.txt"),
        ("attachment; filename*=klingon''a.txt; filename=b.txt", "b.txt"),
        ("attachment; filename*=UTF-8''%FF%FE.txt", "ÿþ.txt"),
        ("attachment; filename*=UTF-8''%FF%FE.txt; filename=b.txt", "b.txt"),
        ("attachment; filename*=UTF-8''; filename=b.txt", "b.txt"),
        ('attachment; filename="a\r\n b.txt"', "a  b.txt"),
    ],
)
def test_the_name_of_a_file(header, name):
    """`filename*` before `filename` where it can be read (RFC 6266), as it came: whoever takes it cleans it."""
    assert filename_of(header) == name


@pytest.mark.parametrize(
    ("header", "name"),
    [("form-data", None), ('form-data; name="a b"', "a b"), ('form-data; filename="name=x"; name=y', "y")],
)
def test_the_name_of_a_field(header, name):
    """It stands beside the file's."""
    assert field_of(header) == name
