"""Tokens of OAuth 2 client credentials (RFC 6749, section 4.4), kept in each process until they end."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import httpx

from saltern_runtime.connectors.base import PerProcess, remaining, retry_after
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.observe import tracing

if TYPE_CHECKING:
    from saltern_runtime.graph import Context

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_WORD: Final = re.compile(r"[a-z_]{1,40}")
_LASTS: Final = 300.0
"""Seconds that a token is kept that does not say when it ends."""
_EARLY: Final = 30.0
"""Seconds before its end that a token is fetched anew, at most a tenth of its life."""


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock
    token: str = ""
    until: float = 0.0


_KEPT: Final[PerProcess[_Kept]] = PerProcess()


def access_token(ctx: Context, client: httpx.Client, given: Mapping[str, str], *, refused: str = "") -> str:
    """Return a token for the settings `oauth2` of a connection; one that was `refused` is not given again.

    Raises TransientError and PermanentError, whose texts hold nothing of what was sent.
    """
    kept = _KEPT.get(tuple(sorted(given.items())), lambda: _Kept(threading.Lock()))
    if not kept.lock.acquire(timeout=remaining(ctx)):
        raise TransientError("no token: another node still waits for the issuer", code="timed-out")
    try:
        if kept.token in ("", refused) or time.monotonic() >= kept.until:
            said = _fetched(client, given, remaining(ctx))
            lasts = _lasts(said.get("expires_in"))
            kept.token, kept.until = said["access_token"], time.monotonic() + lasts - min(_EARLY, lasts / 10)
        return kept.token
    finally:
        kept.lock.release()


def _lasts(value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, int | float | str) else _LASTS
    except (ValueError, OverflowError):
        return _LASTS
    return max(0.0, seconds) if math.isfinite(seconds) else _LASTS


def _fetched(client: httpx.Client, given: Mapping[str, str], timeout: float) -> dict[str, Any]:
    form = {"grant_type": "client_credentials"} | {key: given[key] for key in ("scope", "audience") if key in given}
    login = (given["client_id"], given["client_secret"])
    in_body = given.get("client_auth") == "body"
    if in_body:
        form |= {"client_id": login[0], "client_secret": login[1]}
    auth = httpx.Auth() if in_body else httpx.BasicAuth(*map(quote_plus, login))
    try:
        place = httpx.URL(given["token_url"])
        about = {"http.request.method": "POST", "server.address": place.host}
        with tracing.calling("POST", about) as traced:
            answer = client.post(place, data=form, auth=auth, timeout=timeout, headers=traced.headers())
            traced.answered(answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        kind = type(error).__name__
        raise TransientError(f"no token: the issuer cannot be asked ({kind})", code="token-unreachable") from None
    status = answer.status_code
    if status in (408, 429) or status >= 500:
        after = retry_after(answer.headers.get("retry-after"))
        raise TransientError(
            f"no token: the issuer answered {status}", code="token-unreachable", status=status, retry_after=after
        )
    said = _object(answer)
    token = said.get("access_token")
    if status == 200 and isinstance(token, str) and _TOKEN.fullmatch(token):
        return said
    word = said.get("error")
    known = f" ({word})" if isinstance(word, str) and _WORD.fullmatch(word) else ""
    raise PermanentError(f"no token: the issuer answered {status}{known}", code="token-refused", status=status)


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
