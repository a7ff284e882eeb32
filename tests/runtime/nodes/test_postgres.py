"""postgres.query and postgres.execute against a real PostgreSQL."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import Field

from saltern_runtime.errors import NodeError, PermanentError, TransientError
from saltern_runtime.graph import Connection
from saltern_runtime.models import Model
from saltern_runtime.nodes import postgres
from saltern_runtime.nodes.postgres.sql import scan
from saltern_runtime.spec import ANY, STRING, Bound, ListType

TICKETS = "create table tickets (id text primary key, category text, n int, tags text[], extra jsonb)"


@pytest.fixture
def tickets(context, crm):
    """Give a connection to a database with an empty table."""
    postgres.execute(context(crm), sql=TICKETS)
    return crm


def test_what_is_written_can_be_read(context, tickets):
    """An execute commits and counts; a query gives rows by column name."""
    sql = "insert into tickets (id, category, n, tags, extra) values ($1, $2, $3, $4, $5)"
    values = ["t1", None, 7, ["a", "b"], {"deep": [1, None]}]
    assert postgres.execute(context(tickets), sql=sql, values=values).count == 1
    result = postgres.query(context(tickets), sql="select * from tickets where id = $1", values=["t1"])
    assert result.count == 1
    assert result.rows == [{"id": "t1", "category": None, "n": 7, "tags": ["a", "b"], "extra": {"deep": [1, None]}}]


@pytest.mark.parametrize(
    "value",
    [
        "'; drop table tickets; --",
        '" or 1=1',
        "$1",
        "$$",
        "\\'",
        "%s %(a)s",
        "{0}",
        "\N{SNOWMAN}\n\t",
        "",
        "x" * 100_000,
    ],
)
def test_values_are_never_interpolated(context, tickets, value):
    """Whatever stands in a value, it comes back as it was, and nothing else happened."""
    postgres.execute(context(tickets), sql="insert into tickets (id, category) values ('1', $1)", values=[value])
    rows = postgres.query(context(tickets), sql="select category from tickets where category = $1", values=[value]).rows
    assert rows == [{"category": value}]


def test_percent_signs_in_the_statement_mean_nothing(context, crm):
    """Only `$n` are placeholders."""
    rows = postgres.query(
        context(crm), sql="select 'a%sb' like '%s%' as yes, 7 % 4 as rest, $1::int as one", values=[1]
    ).rows
    assert rows == [{"yes": True, "rest": 3, "one": 1}]


def test_a_model_is_sent_as_jsonb(context, crm):
    """Under its JSON names, without what is absent."""

    class Item(Model):
        name: str
        note: str | None = None

    rows = postgres.query(context(crm), sql="select $1 as a, $2 as b", values=[Item(name="x"), [Item(name="y")]]).rows
    assert rows == [{"a": {"name": "x"}, "b": [{"name": "y"}]}]


def test_a_list_of_scalars_is_an_array(context, tickets):
    """So that `= any($1)` works; an empty one finds nothing."""
    for name in ("a", "b", "c"):
        postgres.execute(context(tickets), sql="insert into tickets (id) values ($1)", values=[name])
    sql = "select id from tickets where id = any($1) order by id"
    assert postgres.query(context(tickets), sql=sql, values=[["a", "c", "z"]]).rows == [{"id": "a"}, {"id": "c"}]
    assert postgres.query(context(tickets), sql=sql, values=[[]]).count == 0


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("1::int8 + 4000000000", 4_000_000_001),
        ("1.10::numeric", "1.10"),
        ("0.5::float8", 0.5),
        ("'nan'::float8", "nan"),
        ("'infinity'::float8", "inf"),
        ("true", True),
        ("null::text", None),
        ("'2024-02-29 12:00:00.5+02'::timestamptz", "2024-02-29T10:00:00.500000Z"),
        ("'2024-02-29 12:00'::timestamp", "2024-02-29T12:00:00"),
        ("'2024-02-29'::date", "2024-02-29"),
        ("'12:30'::time", "12:30:00"),
        ("interval '1 day 2 hours'", "P1DT2H"),
        ("interval '1 month 2 days 3 hours'", "P1M2DT3H"),
        ("interval '-1 year -2 months'", "P-1Y-2M"),
        ("array[interval '1 month']", ["P1M"]),
        ("'00000000-0000-0000-0000-000000000001'::uuid", "00000000-0000-0000-0000-000000000001"),
        ("'\\xfbff'::bytea", "+/8="),
        ("array[1.5::numeric, null]", ["1.5", None]),
        ("'{\"a\": [1]}'::json", {"a": [1]}),
        ("'10.0.0.1'::inet", "10.0.0.1"),
        ("row(1, 'a')", ["1", "a"]),
    ],
)
def test_types_have_one_json_form(context, crm, sql, value):
    """Nothing is lost: exact numbers and times are text."""
    assert postgres.query(context(crm), sql=f"select {sql} as it").rows == [{"it": value}]


def test_a_query_cannot_write(context, tickets):
    """It is idempotent because the server holds it to that."""
    with pytest.raises(PermanentError, match=r"postgres\.execute") as caught:
        postgres.query(context(tickets), sql="insert into tickets (id) values ('1') returning id")
    assert caught.value.code == "read-only"
    assert postgres.query(context(tickets), sql="select * from tickets").count == 0


@pytest.mark.parametrize(
    ("sql", "values", "code"),
    [
        ("selec 1", [], "bad-sql"),
        ("select * from nothing", [], "no-such-table"),
        ("select wrong from tickets", [], "no-such-column"),
        ("insert into tickets (id) values ('dup'), ('dup')", [], "duplicate"),
        ("insert into tickets (n) values ($1)", ["word"], "refused"),
        ("insert into tickets (id) values ($1)", ["nul\x00"], "bad-values"),
        ("insert into tickets (id) values ($1)", [object()], "bad-values"),
        ("insert into tickets (id, n) values ($1, $2)", ["a"], "bad-values"),
        ("insert into tickets (id) values ('1')", ["a"], "bad-values"),
        ("select 1; drop table tickets", [], "bad-sql"),
        ("drop table tickets;;; select 1", [], "bad-sql"),
        ("commit", [], "bad-sql"),
        ("set role postgres", [], "bad-sql"),
        ("vacuum", [], "refused"),
        ("", [], "bad-sql"),
    ],
)
def test_what_will_fail_again_is_permanent_and_changes_nothing(context, tickets, sql, values, code):
    """Bad statements and bad values; the connection is good for the next node."""
    with pytest.raises(PermanentError) as caught:
        postgres.execute(context(tickets), sql=sql, values=values)
    assert caught.value.code == code
    assert postgres.query(context(tickets), sql="select * from tickets").rows == []


def test_values_stay_out_of_error_messages(context, tickets):
    """PostgreSQL's details repeat them, and they may be personal."""
    insert = "insert into tickets (id) values ($1)"
    postgres.execute(context(tickets), sql=insert, values=["ann@example.org"])
    with pytest.raises(PermanentError) as caught:
        postgres.execute(context(tickets), sql=insert, values=["ann@example.org"])
    assert caught.value.code == "duplicate"
    assert "ann@" not in str(caught.value)


def test_two_columns_of_one_name_are_refused(context, crm):
    """One would be lost."""
    with pytest.raises(PermanentError, match="the name a"):
        postgres.query(context(crm), sql="select 1 as a, 2 as a")


def test_too_many_rows_are_refused(context, crm):
    """A result is a value that is stored."""
    with pytest.raises(PermanentError) as caught:
        postgres.query(context(crm), sql="select * from generate_series(1, 10001) as n")
    assert caught.value.code == "too-large"


def test_a_slow_statement_ends_at_the_deadline_on_the_server_too(context, crm):
    """It was rolled back, so it is not ambiguous."""
    with pytest.raises(TransientError) as caught:
        postgres.execute(context(crm, seconds=0.3), sql="select pg_sleep(30)")
    assert (caught.value.code, caught.value.ambiguous) == ("timed-out", False)


def test_a_deadlock_is_transient(context, tickets, postgres_dsn):
    """One of the two is told to try again."""
    import psycopg

    for name in ("a", "b"):
        postgres.execute(context(tickets), sql="insert into tickets (id, n) values ($1, 0)", values=[name])
    with psycopg.connect(postgres_dsn) as other:
        other.execute("update tickets set n = 1 where id = 'b'")

        def cross():
            while not other_waits(postgres_dsn):
                time.sleep(0.01)
            other.execute("update tickets set n = 1 where id = 'a'")
            other.commit()

        crossing = threading.Thread(target=cross)
        crossing.start()
        both = "with first as (update tickets set n = 2 where id = 'a' returning 1) update tickets set n = 2 where id = 'b' and (select count(*) from first) > 0"
        with pytest.raises(TransientError) as caught:
            postgres.execute(context(tickets), sql=both)
        crossing.join()
    assert (caught.value.code, caught.value.ambiguous) == ("deadlock", False)


def other_waits(dsn):
    """Whether some backend waits for a lock."""
    import psycopg

    with psycopg.connect(dsn) as watch:
        row = watch.execute("select count(*) from pg_locks where not granted").fetchone()
    return row[0] > 0


def test_a_killed_connection_is_transient_and_the_next_call_makes_a_new_one(context, crm, postgres_dsn):
    """Idle connections that died are noticed before they are used."""
    import psycopg

    postgres.query(context(crm), sql="select 1 as a")
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'saltern' and datname = current_database()"
        )
        assert postgres.query(context(crm), sql="select 1 as a").count == 1
        with pytest.raises(TransientError) as caught:
            postgres.execute(context(crm), sql="select pg_terminate_backend(pg_backend_pid())")
    assert not caught.value.ambiguous
    assert postgres.query(context(crm), sql="select 1 as a").count == 1


def test_connections_are_used_again(context, crm):
    """One backend serves calls that follow each other; settings do not leak from one to the next."""
    ask = "select pg_backend_pid() as pid, current_setting('statement_timeout') as left, set_config('timezone', 'Asia/Tokyo', false) as zone"
    rows = [postgres.query(context(crm, seconds=100 + n), sql=ask).rows[0] for n in range(2)]
    assert rows[0]["pid"] == rows[1]["pid"]
    assert postgres.query(context(crm), sql="select current_setting('timezone') as zone").rows == [{"zone": "UTC"}]


def test_a_forked_child_makes_connections_of_its_own(context, crm):
    """Two processes on one connection would mix their answers."""
    ask = "select pg_backend_pid() as pid"
    ours = postgres.query(context(crm), sql=ask).rows[0]["pid"]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(postgres.query(context(crm), sql=ask).rows[0]["pid"]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = int(pipe.read())
    os.waitpid(child, 0)
    assert theirs != ours
    assert postgres.query(context(crm), sql=ask).rows[0]["pid"] == ours


def test_calls_at_the_same_time_do_not_share_a_connection(context, crm):
    """Threads of one worker each have their own."""
    seen = []

    def ask():
        seen.append(
            postgres.query(context(crm), sql="select pg_backend_pid() as pid, pg_sleep(0.2)::text as s").rows[0]["pid"]
        )

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://127.0.0.1:{port}/x", (TransientError, "unreachable")),
        ("host=127.0.0.1 port={port} secret-password", (PermanentError, "bad-dsn")),
    ],
)
def test_a_server_that_cannot_be_reached(context, closed_port, monkeypatch, dsn, expected):
    """Refused may pass; a DSN that cannot be read will not, and stays out of the message."""
    monkeypatch.setenv("TEST_DSN", dsn.format(port=closed_port))
    connection = Connection("crm", connector="postgres", secrets={"dsn": "env:TEST_DSN"})
    with pytest.raises(NodeError) as caught:
        postgres.query(context(connection), sql="select 1")
    assert (type(caught.value), caught.value.code) == expected
    assert "secret-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "placeholders", "statements"),
    [
        ("select $1, $2", {1, 2}, 1),
        ("select '$1', \"$2\", $3", {3}, 1),
        ("select 'it''s $1; $2'", set(), 1),
        ("select e'\\' $1 ; ' || $2", {2}, 1),
        ("select 'a\\' || $1", {1}, 1),
        ("select $$ $1 ; $$, $tag$ $2 $$ ; $tag$, $3", {3}, 1),
        ("select 1 -- $1 ;\n + $2", {2}, 1),
        ("select 1 /* $1 /* ; */ ; */ + $2", {2}, 1),
        ("select a$1, $2 from t", {2}, 1),
        ("select 1;", set(), 1),
        ("select 1; -- done\n ;", set(), 1),
        ("select 1; select 2", set(), 2),
        ("  -- nothing\n", set(), 0),
        ("select U&'d\\0061t\\+000061', $1::text", {1}, 1),
        ("select $1::jsonb ? 'a'", {1}, 1),
        ("select typeof'x;' || $1", {1}, 1),
    ],
)
def test_placeholders_and_statements_are_told_from_what_looks_like_them(sql, placeholders, statements):
    """Quotes, dollar quotes, comments and names as PostgreSQL reads them."""
    found = scan(sql)
    assert (set(found.placeholders), found.statements, found.unclosed) == (placeholders, statements, "")


@pytest.mark.parametrize(
    ("sql", "values", "param", "words"),
    [
        ("select 1; select 2", 0, "sql", "2 statements"),
        ("", 0, "sql", "no statement"),
        ("select 'a", 0, "sql", "a quote"),
        ("select $a$ $b$", 0, "sql", "a quote"),
        ("select /* 1", 0, "sql", "a comment"),
        ("Rollback", 0, "sql", "`rollback`"),
        ("select $1, $3", 3, "sql", "not $2"),
        ("select $0", 0, "sql", "$0"),
        ("select $1, $2", 1, "values", "1 value given, but $2"),
        ("select 1", 2, "values", "2 values given, but the SQL has no placeholders"),
        ("select $1", None, "values", "0 values given"),
    ],
)
def test_statements_that_cannot_work_are_problems(spec, sql, values, param, words):
    """Found while compiling, not in a run."""
    lengths = {} if values is None else {"values": values}
    types = {"sql": STRING} | ({} if values is None else {"values": ListType(ANY)})
    for name in ("postgres.query", "postgres.execute"):
        (found,) = spec(name).check(Bound({"sql": sql}, types, lengths=lengths))
        assert found.param == param
        assert words in found.message


def test_a_list_of_unknown_length_is_left_to_the_run(spec):
    """`values: input.values` may be right."""
    assert not list(spec("postgres.query").check(Bound({"sql": "select $1"}, {"sql": STRING, "values": ListType(ANY)})))


class Item(Model):
    id: str
    price: float
    exact: str
    whole: int
    seen: datetime
    wait: timedelta | None
    parts: list[float]
    class_: str = Field(alias="class")


class Items(Model):
    rows: list[Item]
    count: int


COLUMNS = """
    select 'a' as id, 1.50::numeric as price, 1.50::numeric as exact, 7::numeric as whole,
    '2024-02-29 12:00+02'::timestamptz as seen, interval '1 day' as wait, array[1.5, 2]::numeric[] as parts, 'x' as class, 1 as more
"""


def test_typed_rows(context, crm):
    """A row has the type that it is given: numerics as far as nothing is lost, times, and no column that it does not name."""
    (row,) = postgres.query(context(crm), sql=COLUMNS, result=Items).rows
    seen = datetime(2024, 2, 29, 10, tzinfo=UTC)
    assert row == Item(
        id="a", price=1.5, exact="1.50", whole=7, seen=seen, wait=timedelta(days=1), parts=[1.5, 2.0], class_="x"
    )


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("7::numeric", "7.5::numeric", "whole"),
        ("'a' as id", "null::text as id", "id"),
        ("'a' as id", "'a' as ident", "id"),
        ("interval '1 day'", "interval '1 month'", "wait"),
        ("'x' as class", "5 as class", "class"),
        ("1.50::numeric as price", "'much' as price", "price"),
    ],
)
def test_rows_of_another_type(context, crm, old, new, place):
    """What is no such row fails for good, and says where, never with the value."""
    with pytest.raises(PermanentError, match=rf"rows\.0\.{place} ") as caught:
        postgres.query(context(crm), sql=COLUMNS.replace(old, new, 1), result=Items)
    assert caught.value.code == "wrong-row"
    assert "much" not in str(caught.value)


class Made(Model):
    n: int


class AllMade(Model):
    rows: list[Made]
    count: int


def test_what_a_change_returns(context, tickets):
    """An execute gives what RETURNING says, typed; where it is of another type, nothing was changed."""
    sql = "insert into tickets (id, n) values ('1', $1), ('2', $1) returning n"
    with pytest.raises(PermanentError, match=r"rows\.0\.n"):
        postgres.execute(context(tickets), sql=sql, values=[None], result=AllMade)
    assert postgres.query(context(tickets), sql="select id from tickets").rows == []
    made = postgres.execute(context(tickets), sql=sql, values=[7], result=AllMade)
    assert (made.rows, made.count) == ([Made(n=7), Made(n=7)], 2)


def test_a_transaction(context, tickets):
    """Statements are committed as one: where the last fails, the first has done nothing."""
    put, move = "insert into tickets (id, n) values ($1, 1)", "update tickets set n = n + $1"
    done = postgres.transaction(context(tickets), sql=[put, put, move], values=[["a"], ["b"], [2]])
    assert done.counts == [1, 1, 2]
    with pytest.raises(PermanentError) as caught:
        postgres.transaction(context(tickets), sql=[move, put], values=[[10], ["a"]])
    assert caught.value.code == "duplicate"
    rows = postgres.query(context(tickets), sql="select n from tickets order by id").rows
    assert rows == [{"n": 3}, {"n": 3}]
    assert postgres.transaction(context(tickets), sql=["delete from tickets", "select 1"]).counts == [2, 1]


@pytest.mark.parametrize(
    ("sql", "values", "code"),
    [
        (["select 1; select 2"], [], "bad-sql"),
        (["commit"], [], "bad-sql"),
        (["select $1::int"], [], "bad-values"),
        (["select 1", "select 2"], [[]], "bad-values"),
        (["select $1::int"], [[1, 2]], "bad-values"),
    ],
)
def test_no_transaction(context, crm, sql, values, code):
    """What a single statement may not be, none of several may."""
    with pytest.raises(PermanentError) as caught:
        postgres.transaction(context(crm), sql=sql, values=values)
    assert caught.value.code == code
