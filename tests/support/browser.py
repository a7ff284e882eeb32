"""Chromium without a window, spoken to over its debugging pipe."""

import fcntl
import json
import os
import shutil
import subprocess
import time

import pytest

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needed = pytest.mark.skipif(BINARY is None, reason="needs a browser: apt-get install chromium")


def _above(descriptor):
    """Move a descriptor out of the way of those that the browser has its pipe at."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


class Browser:
    """One page."""

    def __init__(self, folder):
        reads, self._out = os.pipe()
        self._in, writes = os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
        command = [BINARY, *options, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        reads, writes = _above(reads), _above(writes)
        shell = ["bash", "-c", f'exec "$@" 3<&{reads} 4>&{writes}', "bash", *command]
        self._process = subprocess.Popen(shell, pass_fds=(reads, writes), stderr=subprocess.DEVNULL)
        os.close(reads)
        os.close(writes)
        self._rest, self._count, self._session = b"", 0, None
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def call(self, method, **params):
        """Call, and return what comes back."""
        self._count += 1
        asked = {"id": self._count, "method": method, "params": params}
        if self._session is not None:
            asked["sessionId"] = self._session
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                more = os.read(self._in, 65536)
                assert more, "the browser ended"
                self._rest += more
            text, _, self._rest = self._rest.partition(b"\0")
            told = json.loads(text)
            if told.get("id") == self._count:
                return told["result"]

    def open(self, url):
        """Show a page."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def until(self, expression, seconds=20):
        """Evaluate until it is true; return what it is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}")

    def close(self):
        """End it."""
        self._process.terminate()
        self._process.wait(20)
        os.close(self._out)
        os.close(self._in)
