"""Addresses of Redis: what they hold, and what is said of those that are none."""

import os
import subprocess
import sys

import pytest

from saltern_runtime.settings import Settings, SettingsError
from saltern_runtime.spec.addresses import BrokerAddress, RedisAddress
from saltern_runtime.spec.places import PlaceError
from tests.support.effort import LONG
from tests.support.tree import write_tree


def test_what_addresses_hold():
    """One server, a cluster, sentinels; defaults, escapes, brackets, options."""
    one = RedisAddress("rediss://me:p%40ss@[::1]:7000/3?ssl_ca_certs=/ca.pem&ssl_check_hostname=no")
    assert (one.kind, one.tls, one.hosts, one.user, one.password, one.db) == (
        "server",
        True,
        (("::1", 7000),),
        "me",
        "p@ss",
        3,
    )
    assert one.certificates == {"ssl_ca_certs": "/ca.pem", "ssl_cert_reqs": "required", "ssl_check_hostname": False}
    many = RedisAddress("redis+cluster://a,b:7001,c.example:7002/")
    assert (many.kind, many.tls, many.hosts) == ("cluster", False, (("a", 6379), ("b", 7001), ("c.example", 7002)))
    watched = RedisAddress("redis+sentinel://s1,s2:1/main/2")
    assert (watched.kind, watched.hosts, watched.service, watched.db) == (
        "sentinel",
        (("s1", 26379), ("s2", 1)),
        "main",
        2,
    )
    assert RedisAddress("rediss://h").certificates["ssl_check_hostname"] is True


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "names no Redis: write redis://HOST:6379/0"),
        ("hunter2", "names no Redis"),
        ("http://h", "names no Redis"),
        ("redis+clusters://h", "names no Redis"),
        ("redis://", "HOST or HOST:PORT has to stand"),
        ("redis://h:0", "HOST or HOST:PORT has to stand"),
        ("redis://h:65536", "HOST or HOST:PORT has to stand"),
        ("redis://h:port", "HOST or HOST:PORT has to stand"),
        ("redis://h,", "HOST or HOST:PORT has to stand"),
        ("redis://-h", "HOST or HOST:PORT has to stand"),
        ("redis://u:hunter2/x@h", "write @ as %40, / as %2F"),
        ("redis://u:hunter2 @h", "no blank and no #"),
        ("redis://u:hunter2#@h", "no blank and no #"),
        ("redis://a,b", "a cluster is written redis+cluster://"),
        ("redis://h/db", "a database is a number"),
        ("redis://h/0/1", "a database is a number"),
        ("redis+cluster://a,b/1", "a cluster has one database"),
        ("redis+sentinel://a,b", "what they call the server"),
        ("redis+sentinel://a/main/x", "a database is a number"),
        ("redis://h?hunter2=1", "what stands behind ? is not known"),
        ("redis://h?ssl_cert_reqs=none", "what stands behind ? is not known"),
        ("redis://h?password_file", "password_file stands behind ? once"),
        ("redis://h?password_file=/a&password_file=/b", "password_file stands behind ? once"),
        ("redis://h?password_file=a", "password_file is a path from the root"),
        ("redis://u:hunter2@h?password_file=/a", "in the URL or in password_file"),
        ("redis://h?ssl_ca_certs=/a", "certificates need TLS"),
        ("rediss://h?ssl_keyfile=/a", "ssl_keyfile needs its certificate"),
        ("rediss://h?ssl_check_hostname=maybe", "ssl_check_hostname is yes or no"),
        ("redis://h?sentinel_username=a", "are for redis+sentinel://"),
        ("redis+sentinel://h/main?sentinel_username=a", "sentinel_username needs sentinel_password_file"),
    ],
)
def test_what_is_no_address_is_refused(url, said):
    """Each mistake has its own words, which say what to write and never repeat the text: it may hold a password."""
    with pytest.raises(PlaceError) as caught:
        RedisAddress(url)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_is_no_broker_is_refused():
    """A broker is a Redis, or another URL; kombu's own word for sentinels, and a cluster, are not."""
    assert (BrokerAddress().kind, BrokerAddress("amqp://u:hunter2@h").shown) == ("other", "amqp://…")
    for url, said in (
        ("sentinel://h", r"written redis\+sentinel"),
        ("redis+cluster://h", "cannot use"),
        ("h", "no URL"),
        ("redis://", "HOST"),
    ):
        with pytest.raises(PlaceError, match=said):
            BrokerAddress(url)


def test_no_address_is_shown_with_its_password():
    """What is printed of settings, and what messages say, has neither user nor password."""
    settings = Settings.from_env(
        {"SALTERN_REDIS_URL": "redis://u:hunter2@h", "SALTERN_BROKER_URL": "amqp://u:hunter2@h"}
    )
    assert "hunter2" not in f"{settings} {settings.store.shown} {settings.broker.shown}"
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"SALTERN_REDIS_URL": "redis://u:hunter2@h:0", "SALTERN_BROKER_URL": "hunter2"})
    assert str(caught.value).count("SALTERN_") == 2
    assert "hunter2" not in str(caught.value)


COMMANDS = (
    ("-m", "saltern_runtime.timers", "echo"),
    ("-m", "celery", "-A", "echo.tasks", "worker"),
    ("-c", "from echo.api import create_app; create_app()"),
)


@pytest.mark.parametrize("command", COMMANDS if LONG else COMMANDS[:1], ids=lambda command: command[1])
def test_processes_say_it_in_one_line(tmp_path, command):
    """Timers, a worker and the API end with all that is wrong and without a traceback; so they do for files that are not there."""
    tree = write_tree(tmp_path)
    given = {"SALTERN_REDIS_URL": "redis://u:hunter2@h:0", "SALTERN_BROKER_URL": "redis+cluster://h"}
    env = {**os.environ, **given, "PYTHONPATH": str(tree)}
    ended = subprocess.run([sys.executable, *command], check=False, env=env, text=True, capture_output=True, timeout=90)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "saltern: SALTERN_REDIS_URL: HOST or HOST:PORT has to stand" in said
    assert "; SALTERN_BROKER_URL: Celery cannot use a Redis Cluster as its broker" in said
    assert "Traceback" not in said
    assert "hunter2" not in said


def test_a_start_names_files_that_are_not_there(monkeypatch):
    """Certificates and passwords of both addresses are looked for before anything else."""
    monkeypatch.setenv("SALTERN_REDIS_URL", "redis://h?password_file=/nowhere")
    monkeypatch.setenv("SALTERN_BROKER_URL", "rediss://h?ssl_ca_certs=/nowhere.pem")
    with pytest.raises(SystemExit) as caught:
        Settings.at_start()
    assert str(caught.value) == (
        "saltern: SALTERN_REDIS_URL: password_file: there is no file /nowhere that this process may read; "
        "SALTERN_BROKER_URL: ssl_ca_certs: there is no file /nowhere.pem that this process may read"
    )
