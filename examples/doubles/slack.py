"""A double of Slack's Web API: chat.postMessage as documented, form or JSON.

Tokens that begin with `xoxb-` or `xoxp-` are good; the channel `#missing` is not there. `python -m examples.doubles.slack`.
"""

from __future__ import annotations

import hashlib
import itertools

from examples.doubles.server import Answer, Double, Received, bearer, main

MAX_TEXT = 40_000
_COUNT = itertools.count(1)


def slack(port: int = 0) -> Double:
    """Make a double of Slack; its URL is the `base_url` of a client."""
    return Double(answer, port=port, base_path="/api/")


def answer(request: Received) -> Answer:
    """Answer as Slack does: 200 with `ok`, whatever was wrong."""
    if request.method != "POST" or request.path != "/api/chat.postMessage":
        return _refuse("unknown_method")
    given = request.body if isinstance(request.body, dict) else {}
    token = bearer(request) or str(given.get("token", ""))
    if not token:
        return _refuse("not_authed")
    if not token.startswith(("xoxb-", "xoxp-")):
        return _refuse("invalid_auth")
    channel, text = given.get("channel"), given.get("text")
    if not isinstance(channel, str) or channel in ("", "#", "#missing"):
        return _refuse("channel_not_found")
    if not text:
        return _refuse("no_text")
    if len(str(text)) > MAX_TEXT:
        return _refuse("msg_too_long")
    return _posted(channel, str(text), given.get("thread_ts"))


def _posted(channel: str, text: str, thread: object) -> Answer:
    ts = f"1700000000.{next(_COUNT):06d}"
    message = {"type": "message", "subtype": "bot_message", "text": text, "ts": ts}
    if thread:
        message["thread_ts"] = str(thread)
    return Answer({"ok": True, "channel": _id(channel), "ts": ts, "message": message})


def _id(channel: str) -> str:
    if not channel.startswith("#"):
        return channel
    return "C" + hashlib.sha256(channel.encode()).hexdigest()[:10].upper()


def _refuse(word: str) -> Answer:
    return Answer({"ok": False, "error": word})


def rate_limited(seconds: int) -> dict[str, object]:
    """Return the fault of Slack's rate limit."""
    return {"status": 429, "headers": {"Retry-After": str(seconds)}, "json": {"ok": False, "error": "ratelimited"}}


if __name__ == "__main__":
    main(slack, "A double of Slack's Web API.")
