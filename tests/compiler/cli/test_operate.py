"""`saltern runs` and `saltern dead` against a real service: its API on the loopback, its engine and its store."""

import io
import json
import os
import pty
import re
import subprocess
import sys

import pytest

from saltern_compiler.cli import dead
from tests.support.operated import operated
from tests.support.redis import free_port

NOBODY = f"0-{'0' * 24}"


@pytest.fixture
def stdin(monkeypatch):
    """Give text to standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_runs_are_listed_in_columns(there, saltern):
    """One line a run, the newest first, with the reason of a failure; nothing in it moves a terminal's cursor."""
    good, bad = there.started("good", "bad")
    code, out, err = saltern("runs", "list")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert re.fullmatch(rf"{good}  SUCCEEDED  \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ  api", lines[good])
    assert re.fullmatch(
        rf"{bad}  FAILED     \S+ \S+  api  charge: no such \[31m card \(external-permanent, refused\)", lines[bad]
    )
    assert "\x1b" not in out


def test_runs_are_looked_for(there, saltern):
    """States in any case, several of them, times as durations; a limit says where there is more."""
    runs = there.started("bad1", "bad2", "good")
    assert saltern("runs", "list", "--state", "succeeded")[1].split()[0] == runs[2]
    assert len(saltern("runs", "list", "--state", "FAILED", "--state", "SUCCEEDED")[1].splitlines()) == 3
    assert len(saltern("runs", "list", "--since", "1h30m")[1].splitlines()) == 3
    assert saltern("runs", "list", "--until", "2020-01-31T12:00:00Z")[:2] == (0, "")
    assert saltern("runs", "list", "--trigger", "webhook:/tickets") == (0, "", "")
    said = "saltern: no run was begun by 'nope'; what begins them: api, again, start, schedule, webhook\n"
    assert saltern("runs", "list", "--trigger", "nope") == (0, "", said)
    code, out, err = saltern("runs", "list", "--limit", 2, "--json")
    assert (code, err) == (0, "saltern: there are more than 2; --limit shows more\n")
    assert [json.loads(line)["trigger"] for line in out.splitlines()] == ["api", "api"]
    assert saltern("runs", "list", "--limit", 3)[2] == ""


def test_what_cannot_be_looked_for(there, saltern):
    """It is misuse, and nothing is asked."""
    for option, value, said in (
        ("--since", "yesterday", "is neither a duration, such as 2h30m, nor a moment"),
        ("--until", "2026-01-31T12:00:00", "does not say in which time zone"),
        ("--state", "DONE", "is not one of"),
        ("--limit", "0", "0 is not in the range"),
    ):
        code, out, err = saltern("runs", "list", option, value)
        assert (code, out) == (2, "")
        assert said in err


def test_runs_are_shown_node_by_node(there, saltern):
    """Several at once; one that is not there is named, and stops none of the others."""
    good, bad = there.started("good", "bad")
    code, out, err = saltern("runs", "show", NOBODY, good, bad)
    assert (code, err) == (1, f"saltern: {NOBODY}: no such run: it never was, belongs to another tenant, or its retention is over (run-not-found)\n")  # fmt: skip
    assert re.search(rf"^run  {good}  SUCCEEDED  .*  api$", out, re.MULTILINE)
    assert re.search(r"^  charge  http\.request@1  DEAD .* charge: no such", out, re.MULTILINE)
    assert json.loads(saltern("runs", "show", good, "--json")[1])["output"] == {"charged": "GOOD"}


def test_what_a_run_waits_for_is_shown(redis_url, saltern, monkeypatch):
    """The question and what may be decided stand below its nodes."""
    with operated(redis_url, asks=True) as service:
        monkeypatch.setenv("SALTERN_TOKEN", service.token)
        run = service.worker.service.start({"id": "a"}, tenant="acme", trigger="api").run_id
        while service.state(run) != "WAITING":
            service.worker.step()
        code, out, _ = saltern("runs", "show", run, "--url", service.url)
    assert (code, out.splitlines()[-1]) == (0, "  waits at asked: Pay a? (approve | reject)")


def test_a_run_is_followed_to_its_end(there, saltern):
    """A line for each event; the exit code says whether it succeeded; an id goes on behind it."""
    good, bad = there.started("good", "bad")
    code, out, _ = saltern("runs", "follow", good)
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()][::6] == ["run.created", "run.succeeded"]
    code, out, _ = saltern("runs", "follow", bad)
    assert code == 1
    assert re.search(r"^\S+  stage\.failed  charge  charge: no such .*refused\)$", out, re.MULTILINE)
    events = [json.loads(line) for line in saltern("runs", "follow", good, "--json")[1].splitlines()]
    assert json.loads(saltern("runs", "follow", good, "--json", "--after", events[-2]["id"])[1]) == events[-1]
    assert saltern("runs", "follow", good, "--after", "x")[0] == 2


def test_runs_begin_anew_at_a_node(there, saltern, stdin):
    """Several; one that is refused is named, and stops none of the others; without a node it is misuse."""
    good, other = there.started("good", "other")
    stdin(f"{good}\n{NOBODY}\n{other}\n")
    code, out, err = saltern("runs", "rerun", "-", "--from", "charge", "--reason", "the wrong card")
    assert (code, out) == (1, f"{good}  RUNNING\n{other}  RUNNING\n")
    assert err.startswith(f"saltern: {NOBODY}: no such run")
    assert there.finish(good).state == there.finish(other).state == "SUCCEEDED"
    assert re.fullmatch(r"\S+ \S+  rerun  token:\w+  from charge: the wrong card\n", saltern("runs", "audit", good)[1])
    assert saltern("runs", "rerun", good, "--from", "nowhere")[:2] == (1, "")
    code, _, err = saltern("runs", "rerun", good)
    assert (code, "--from" in err) == (2, True)
    assert saltern("runs", "rerun", "--from", "charge")[0] == 2


def test_runs_are_operated(there, saltern, stdin):
    """Several, or those on standard input; each answers with its state, and the audit says who did what and why."""
    start = there.worker.service.start
    one, two = (start({"id": each}, tenant="acme", trigger="api").run_id for each in "ab")
    assert saltern("runs", "pause", one, two, one, "--reason", "the bank\x07 is closed") == (
        0,
        f"{one}  PAUSED\n{two}  PAUSED\n",
        "",
    )
    stdin(f"{one}  PAUSED  api\n\n{two}\n")
    assert saltern("runs", "resume", "-") == (0, f"{one}  QUEUED\n{two}  QUEUED\n", "")
    assert saltern("runs", "cancel", two)[0] == 0
    assert "  somebody cancelled the run (cancelled)\n" in saltern("runs", "show", two)[1]
    code, out, _ = saltern("runs", "audit", one)
    assert code == 0
    assert re.fullmatch(
        r"(\S+ \S+)  pause   token:([0-9a-f]{8})  the bank  is closed\n(\S+ \S+)  resume  token:\2\n", out
    )
    assert json.loads(saltern("runs", "audit", one, "--json")[1].splitlines()[0])["what"] == "pause"


def test_runs_are_started_again(there, saltern, tmp_path):
    """New runs, with the same input or a changed one; a file that is no JSON is misuse."""
    (bad,) = there.started("bad")
    code, out, err = saltern("runs", "again", bad, "--reason", "once more")
    assert (code, err, out.split()[0]) == (0, "", bad)
    assert json.loads(saltern("runs", "show", out.split()[1], "--json")[1])["input"] == {"id": "bad"}
    (tmp_path / "good.json").write_text('{"id": "good"}')
    out = saltern("runs", "again", bad, "--input", tmp_path / "good.json")[1]
    assert json.loads(saltern("runs", "show", out.split()[1], "--json")[1])["input"] == {"id": "good"}
    assert "once more" in saltern("runs", "audit", bad)[1]
    (tmp_path / "broken.json").write_text("{")
    assert saltern("runs", "again", bad, "--input", tmp_path / "broken.json")[0] == 2
    (tmp_path / "wrong.json").write_text('{"id": 7}')
    code, _, err = saltern("runs", "again", bad, "--input", tmp_path / "wrong.json")
    assert (code, "\n  #/input/id: Input should be a valid string\n" in err) == (1, True)


def test_a_refusal_is_said_in_words(there, saltern):
    """Why a run cannot be replayed; the others are, and the exit code is 1."""
    good, bad = there.started("good", "bad")
    code, out, err = saltern("runs", "replay", good, bad)
    assert (code, out) == (1, f"{bad}  RUNNING\n")
    assert err == f"saltern: {good}: the run succeeded: there is nothing to replay (run-succeeded)\n"
    assert "the run is over, or on its way there (run-over)" in saltern("runs", "pause", good)[2]


def test_no_run_is_misuse(there, saltern, stdin):
    """Neither named nor on standard input."""
    stdin("\n")
    for given in ((), ("-",)):
        code, _, err = saltern("runs", "cancel", *given)
        assert (code, err) == (2, "saltern: which run? name one, or several, or - for those on standard input\n")


def test_dead_letters_are_listed_and_shown(there, saltern):
    """One line a letter; one is shown with its failure and its run's input; a path that is none says which there are."""
    bad, _ = there.started("bad grüße \x9b1m", "good")
    code, out, _ = saltern("dead", "list", "--code", "refused", "--kind", "external-permanent", "--node", "charge")
    assert code == 0
    assert re.fullmatch(rf"{bad}  charge  \S+ \S+  1 attempt  charge: no such .*\n", out)
    assert saltern("dead", "list", "--code", "other")[:2] == (0, "")
    assert json.loads(saltern("dead", "list", "--json")[1])["path"] == "charge"
    code, out, _ = saltern("dead", "show", bad, "charge")
    assert code == 0
    assert "\nattempts  1\nfailure   charge: no such [31m card (external-permanent, refused), status 402\n" in out
    assert "\nnode      charge  at orders.saltern:9:1\n" in out
    assert re.search(r"\n          operated\.py:\d+ in charge\ninput ", out)
    assert out.endswith('input     {\n  "id": "bad grüße  1m"\n}\n')
    given = json.loads(saltern("dead", "show", bad, "charge", "--json")[1])["input"]
    assert given == {"id": "bad grüße \x9b1m"}
    code, _, err = saltern("dead", "show", bad, "elsewhere")
    assert (code, err) == (1, f"saltern: {bad} has no dead letter elsewhere: it never had, or somebody dealt with it; it has charge\n")  # fmt: skip


def test_one_letter_is_replayed_or_discarded(there, saltern):
    """By its run, or its run and path; what is no letter any more is said."""
    one, two, three = there.started("bad1", "bad2", "bad3")
    there.broken.clear()
    assert saltern("dead", "replay", one, "charge", "--reason", "mended") == (0, f"{one}  RUNNING\n", "")
    assert saltern("dead", "replay", one, "charge")[0] == 1
    assert saltern("dead", "discard", two, "charge") == (0, f"discarded 1 dead letter of {two}\n", "")
    assert saltern("dead", "discard", three) == (0, f"discarded 1 dead letter of {three}\n", "")
    assert saltern("dead", "discard", three) == (0, f"discarded 0 dead letters of {three}\n", "")
    code, _, err = saltern("dead", "discard", two, "charge")
    assert (code, err) == (1, f"saltern: {there.url}: no such dead letter: it never was, or somebody dealt with it (404 letter-not-found)\n")  # fmt: skip
    assert there.finish(one).state == "SUCCEEDED"


def test_all_that_match_are_done_in_batches(there, saltern, monkeypatch):
    """Progress goes to standard error, the count to standard output; letters that match no filter stay."""
    monkeypatch.setattr("saltern_runtime.engine.operating.MOST", 2)
    runs = there.started(*(f"bad{n}" for n in range(5)))
    assert saltern("dead", "discard", "--code", "other", "--yes") == (0, "no dead letter matches\n", "")
    there.broken.clear()
    code, out, err = saltern("dead", "replay", "--code", "refused", "--since", "1h", "--yes", "--reason", "mended")
    assert (code, out, err) == (0, "replayed 5 runs\n", "2 of 5 looked at\n4 of 5 looked at\n5 of 5 looked at\n")
    assert {there.finish(run).state for run in runs} == {"SUCCEEDED"}
    assert "mended" in saltern("runs", "audit", runs[0])[1]


def test_what_comes_after_the_question_is_left_alone(there, saltern, monkeypatch):
    """Only what was counted is done: a letter that is new stays."""
    there.started("bad1", "bad2")
    monkeypatch.setattr(dead, "_ask", lambda question: asked.append((question, there.started("bad3"))))
    asked = []
    assert saltern("dead", "discard", "--all")[1] == "discarded 2 dead letters\n"
    assert asked[0][0] == "Discard 2 dead letters of 2 runs?"
    assert saltern("dead", "list", "--json")[1].count("bad3") == 0
    assert len(saltern("dead", "list")[1].splitlines()) == 1


def test_one_that_matches_is_asked_for_as_well(there, saltern):
    """A filter may match what nobody meant, and one is enough for that."""
    there.started("bad")
    code, _, err = saltern("dead", "discard", "--all")
    assert (code, err) == (2, "saltern: Discard 1 dead letter of 1 run? Nobody is there to answer: --yes says so\n")
    assert len(saltern("dead", "list")[1].splitlines()) == 1


def test_letters_that_are_refused_are_named(there, saltern):
    """With the reason; the others are done, and the exit code is 1."""
    bad, good = there.started("bad", "good")
    store, shard = there.worker.service.store, int(good.partition("-")[0])
    store.client.zadd(f"{store.keys.shard(shard)}dead:acme", {f"{good}|charge": 1000})
    code, out, err = saltern("dead", "replay", "--all", "--yes")
    assert (code, out) == (1, "replayed 1 run\n")
    assert err.splitlines()[1:] == [
        "saltern: 1 dead letter not replayed:",
        f"  {good}  charge  the run succeeded: there is nothing to replay",
    ]
    assert there.state(bad) == "RUNNING"


def test_more_than_are_counted(there, saltern, monkeypatch):
    """Past a number, the question says `more than`, and all are done all the same."""
    monkeypatch.setattr(dead, "COUNTED", 2)
    there.started("bad1", "bad2", "bad3")
    code, _, err = saltern("dead", "discard", "--all")
    assert (code, err) == (2, "saltern: Discard more than 2 dead letters of 2 runs and more? Nobody is there to answer: --yes says so\n")  # fmt: skip
    assert saltern("dead", "discard", "--all", "--yes") == (0, "discarded 3 dead letters\n", "3 looked at\n")


def test_which_letters_must_be_clear(there, saltern):
    """One, or filters, or all: nothing, or two of them, is misuse, and nothing is done."""
    there.started("bad")
    for what in ("replay", "discard"):
        for given in ((), (NOBODY, "--all"), ("--all", "--code", "x"), (NOBODY, "charge", "--node", "x")):
            code, _, err = saltern("dead", what, *given)
            assert (code, err) == (2, f"saltern: which ones to {what}? either RUN, with or without a PATH, or filters such as --code, or --all\n")  # fmt: skip
    assert len(saltern("dead", "list")[1].splitlines()) == 1


def test_a_person_is_asked(there):
    """On a terminal there are a question and a bar; no means that nothing is done."""
    there.started("bad1", "bad2")
    command = [sys.executable, "-c", "from saltern_compiler.cli import main; main()", "dead", "discard", "--all"]

    def answer(text):
        ours, theirs = pty.openpty()
        os.write(ours, text)
        done = subprocess.run(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, check=False)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        return done.returncode, done.stdout, shown

    code, out, shown = answer(b"n\n")
    assert (code, out) == (1, b"")
    assert "Discard 2 dead letters of 2 runs? [y/N]: " in shown
    assert "nothing was done" in shown
    code, out, shown = answer(b"y\n")
    assert (code, out) == (0, b"discarded 2 dead letters\n")
    assert re.search(r"discarded  \[#+\]  100%", shown)


@pytest.mark.parametrize("command", [("runs", "list"), ("dead", "list"), ("runs", "show", NOBODY)])
def test_a_service_that_is_not_there(saltern, monkeypatch, tmp_path, command):
    """No URL and no token are misuse; one that does not answer, or that is no service, says so."""
    monkeypatch.delenv("SALTERN_URL", raising=False)
    monkeypatch.delenv("SALTERN_TOKEN", raising=False)
    monkeypatch.setattr("saltern_runtime.client.client.time.sleep", lambda seconds: None)
    assert saltern(*command) == (2, "", "saltern: which service? name it with --url, or set SALTERN_URL\n")
    assert saltern(*command, "--url", "orders") == (2, "", "saltern: no token: set SALTERN_TOKEN, or name a file with --token-file\n")  # fmt: skip
    monkeypatch.setenv("SALTERN_TOKEN", "saltern_x")
    code, _, err = saltern(*command, "--url", "orders")
    assert (code, err) == (2, "saltern: the URL of a service is like https://orders.example.com, and 'orders' is not\n")
    url = f"http://127.0.0.1:{free_port()}"
    code, _, err = saltern(*command, "--url", url)
    assert code == 1
    assert err.startswith(f"saltern: {url} does not answer: ")
    monkeypatch.setenv("SALTERN_TOKEN", "saltern\nx")
    assert "a token is" in saltern(*command, "--url", url)[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [("SSL_CERT_FILE", "/nowhere.pem"), ("ALL_PROXY", "socks5://127.0.0.1:1"), ("ALL_PROXY", "x://y")],
)
def test_what_cannot_be_sent_from_here(saltern, monkeypatch, name, value):
    """Certificates that are not there, and proxies that cannot be used, are misuse and no bug of ours."""
    monkeypatch.setenv("SALTERN_TOKEN", "saltern_x")
    monkeypatch.setenv(name, value)
    code, out, err = saltern("runs", "list", "--url", "https://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "report" not in err


@pytest.mark.parametrize(
    "given", [("runs", "list", "--trigger"), ("dead", "list", "--node"), ("runs", "pause", NOBODY, "--reason")]
)
def test_an_argument_that_is_no_text(saltern, monkeypatch, given):
    """Bytes that are no UTF-8 are refused before anything is sent."""
    monkeypatch.setenv("SALTERN_TOKEN", "saltern_x")
    code, _, err = saltern(*given, os.fsdecode(b"\xff"), "--url", "http://127.0.0.1:1")
    assert (code, err) == (2, f"saltern: what is given as {given[-1][2:]} is no text: it is not UTF-8\n")


def test_standard_input_that_is_closed(there, saltern, monkeypatch):
    """It holds no runs, and nobody is there to answer."""
    there.started("bad1", "bad2")
    monkeypatch.setattr(sys, "stdin", None)
    assert saltern("runs", "cancel", "-")[::2] == (2, "saltern: which run? name one, or several, or - for those on standard input\n")  # fmt: skip
    code, _, err = saltern("dead", "discard", "--all")
    assert (code, "Nobody is there to answer" in err) == (2, True)


def test_another_service_has_that_address(saltern, there):
    """A path below which no service stands is said to be none."""
    code, _, err = saltern("runs", "list", "--url", f"{there.url}/elsewhere")
    assert (code, err) == (
        1,
        f"saltern: {there.url}/elsewhere: the service has no such route: its URL misses a prefix, or it is of an older version\n",
    )


def test_tokens_come_from_a_file(saltern, there, monkeypatch, tmp_path):
    """It counts before the variable; a file that is missing, empty or no text says so, and what stands in it is never shown."""
    monkeypatch.setenv("SALTERN_TOKEN", "saltern_wrong")
    file = tmp_path / "token"
    file.write_text(f"  {there.token}\n")
    assert saltern("runs", "list", "--token-file", file) == (0, "", "")
    code, _, err = saltern("runs", "list")
    assert (code, err) == (1, f"saltern: {there.url} refuses the token: the token is not known (token-unknown)\n")
    for content, said in (
        (b" \n", "the file is empty"),
        (b"\xff\xfe", "no token stands there"),
        (None, "No such file"),
    ):
        file.write_bytes(content) if content is not None else file.unlink()
        code, _, err = saltern("runs", "list", "--token-file", file)
        assert code == 2
        assert said in err
    assert saltern("runs", "list", "--token", "saltern_x")[0] == 2
