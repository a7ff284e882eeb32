"""The probe that containers run: a URL, a heartbeat, and what it says when something is wrong."""

import os
import subprocess
import sys
import time

import pytest

from saltern_runtime.observe.health import check, main


def test_an_api_that_answers(web_double):
    """2xx is alive."""
    assert check(f"{web_double.url}/healthz") == ""


def test_an_api_that_fails(web_double):
    """Anything else is not, and the status is named."""
    web_double.fail({"status": 503, "body": ""})
    assert check(f"{web_double.url}/healthz").endswith("answers 503")


def test_an_api_that_is_gone(web_double):
    """A closed connection and a port where nobody listens are said in one line."""
    web_double.fail({"close": True})
    assert check(f"{web_double.url}/healthz").startswith(web_double.url)
    assert "refused" in check("http://127.0.0.1:1/healthz")


def test_a_heartbeat(tmp_path):
    """A file touched a moment ago is alive, one from long ago is not, and neither is one that is missing."""
    file = tmp_path / "alive"
    assert "No such file" in check(str(file))
    file.touch()
    assert check(str(file)) == ""
    os.utime(file, (time.time() - 600, time.time() - 600))
    assert "was last touched 6" in check(str(file))


@pytest.mark.parametrize("named", [True, False])
def test_what_is_looked_at(tmp_path, named):
    """The argument comes before the variable."""
    file = tmp_path / "alive"
    file.touch()
    environment = {"SALTERN_HEARTBEAT_FILE": str(tmp_path / "missing" if named else file)}
    assert main([str(file)] if named else [], environment) == 0


def test_it_is_light():
    """It starts on the standard library alone: a probe runs every few seconds."""
    code = "import sys, saltern_runtime.observe.health; print([n for n in ('pydantic', 'redis', 'fastapi') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
