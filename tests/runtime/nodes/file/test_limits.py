"""How much may be made of a table: what its rows have as JSON, within SALTERN_MAX_PAYLOAD."""

import json

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.files import File
from saltern_runtime.models import Int, Model
from saltern_runtime.nodes import file


def test_columns_that_no_type_names_cost_nothing(rows, context):
    """What is left out does not count against what a value may hold."""

    class One(Model):
        id: Int

    class Ones(Model):
        rows: list[One]

    table = b"id,long\n" + b"".join(b"%d,%s\n" % (number, b"x" * 500) for number in range(50))
    few = context(max_payload=2000, seconds=600)
    assert len(file.rows(few, file=File.of("a.csv", table), result=Ones).rows) == 50
    with pytest.raises(PermanentError) as found:
        file.rows(few, file=File.of("a.csv", table))
    assert found.value.code == "too-large"
    assert found.value.message == (
        "a.csv cannot be read: its rows have more than the 2000 bytes that a value may have, counted as JSON; "
        "read fewer columns by a narrower `row`, or have SALTERN_MAX_PAYLOAD raised by whoever runs the service"
    )
    lines = b"".join(b'{"id": %d, "long": "%s"}\n' % (number, b"x" * 500) for number in range(50))
    with pytest.raises(PermanentError, match="its rows have more than the 2000 bytes"):
        file.rows(few, file=File.of("a.jsonl", lines))


def test_a_field_that_is_too_long_is_named_with_its_line(rows, context):
    """The error says what the limit is, and where the likely fault is."""
    with pytest.raises(
        PermanentError, match=r"begins in line 2 has more than 2000 characters.*\(SALTERN_MAX_PAYLOAD\)"
    ):
        file.rows(context(max_payload=2000, seconds=600), file=File.of("a.csv", b'a\n"' + b"x\n" * 2000))


def test_rows_that_fit_are_given(context):
    """What counts is what is stored: JSON without a space too many."""
    table = b"a,b\n" + b"1,2\n" * 100
    size = len(json.dumps([{"a": "1", "b": "2"}] * 100, separators=(",", ":")))
    assert len(file.rows(context(max_payload=size + 20, seconds=600), file=File.of("a.csv", table)).rows) == 100
