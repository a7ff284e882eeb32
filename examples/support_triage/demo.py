"""The demo: compiles support_triage, serves it, sends it a signed webhook, shows the run, says where to look.

Slack and the model are local doubles that speak the vendors' protocols, used through the vendors' own clients; PostgreSQL is
a real one, from a wheel. `SALTERN_DEMO=real` uses the real ones instead: set OPENAI_API_KEY, SLACK_TOKEN and CRM_DSN.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import httpx
import psycopg
from standardwebhooks import Webhook

from examples.doubles.openai import openai
from examples.doubles.postgres import postgres
from examples.doubles.slack import slack
from saltern_runtime.dev.view import TERMINAL, LineView, ScreenView, View

HERE = Path(__file__).parent
PIPELINE = HERE / "support_triage.saltern"
TICKET = {
    "id": "T-1001",
    "subject": "Charged twice in May",
    "body": "My card was charged twice. Please refund one invoice today.",
}
TABLE = "create table if not exists tickets (id text primary key, category text not null)"
REAL = ("OPENAI_API_KEY", "SLACK_TOKEN", "CRM_DSN")


def main() -> int:
    """Run the demo; 0 after the run succeeded."""
    webhook_secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
    with ExitStack() as stack:
        vendors = real() if os.environ.get("SALTERN_DEMO") == "real" else stack.enter_context(doubles())
        with psycopg.connect(vendors["CRM_DSN"], autocommit=True) as crm:
            crm.execute(TABLE)
        print(f"compiling and starting {PIPELINE.relative_to(HERE.parent.parent)}", flush=True)
        service = stack.enter_context(dev({**vendors, "WEBHOOK_SECRET": webhook_secret}))
        ready = json.loads(service.stdout.readline() or "{}")
        if "api" not in ready:
            print("the service did not start; its messages stand above", file=sys.stderr)
            return 1
        run = show(ready, send(ready["api"], webhook_secret))
        report(run, vendors["CRM_DSN"], ready["urls"])
        if sys.stdin.isatty() and sys.stdout.isatty():
            print("\nCtrl-C stops it", flush=True)
            try:
                service.wait()
            except KeyboardInterrupt:
                print("\nstopping", flush=True)
        else:
            print("\nno terminal: the service stops now; `saltern dev` keeps one up", flush=True)
        return 0 if run["state"] == "SUCCEEDED" else 1


def real() -> Mapping[str, str]:
    """Take the real vendors' keys from the environment."""
    missing = [name for name in REAL if name not in os.environ]
    if missing:
        raise SystemExit(f"SALTERN_DEMO=real needs {', '.join(missing)} in the environment")
    return {name: os.environ[name] for name in REAL}


@contextmanager
def doubles() -> Iterator[Mapping[str, str]]:
    """Start a double of Slack, one of the model, and a real PostgreSQL."""
    with ExitStack() as stack:
        chat, model = stack.enter_context(slack()), stack.enter_context(openai())
        crm = stack.enter_context(postgres())
        print(f"Slack       a local double at {chat.url} behind slack-sdk")
        print(f"the model   a local double at {model.url} behind the openai client")
        print("PostgreSQL  a real one, on a socket of its own")
        print("            (SALTERN_DEMO=real with OPENAI_API_KEY, SLACK_TOKEN, CRM_DSN uses the real ones)")
        yield {
            "SALTERN_SLACK_BASE_URL": chat.url,
            "SALTERN_OPENAI_BASE_URL": model.url,
            "SLACK_TOKEN": "xoxb-demo",
            "OPENAI_API_KEY": "sk-demo",
            "CRM_DSN": crm,
        }


@contextmanager
def dev(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run `saltern dev`, which says on its first line where it listens."""
    command = [str(Path(sys.executable).parent / "saltern"), "dev", str(PIPELINE), "--json-events"]
    service = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
    try:
        yield service
    finally:
        service.terminate()
        service.wait()


def send(api: str, secret: str) -> str:
    """Send the ticket as a signed webhook (Standard Webhooks); return the id of the run that it started."""
    body = json.dumps(TICKET)
    message = f"msg_{secrets.token_hex(8)}"
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, now, body),
    }
    print(f"\nPOST {api}/tickets  (webhook-id {message})", flush=True)
    answer = httpx.post(f"{api}/tickets", content=body, headers=headers).raise_for_status()
    run_id = str(answer.json()["id"])
    print(f"{answer.status_code}, run {run_id}\n", flush=True)
    return run_id


def show(ready: Mapping[str, Any], run_id: str) -> Mapping[str, Any]:
    """Show the run until it ends; return it."""
    view = screen(sys.stdout)
    headers = {"authorization": f"Bearer {ready['token']}"}
    while True:
        run: Mapping[str, Any] = httpx.get(f"{ready['api']}/runs/{run_id}", headers=headers).raise_for_status().json()
        view.update([run])
        if run["state"] in TERMINAL:
            return run
        time.sleep(0.1)


def screen(out: TextIO) -> View:
    """Redraw where there is a terminal, write a line for each change elsewhere."""
    return ScreenView(out) if out.isatty() else LineView(out)


def report(run: Mapping[str, Any], dsn: str, urls: Mapping[str, str]) -> None:
    """Print what came out and where to look."""
    with psycopg.connect(dsn) as crm:
        rows = crm.execute("select id, category from tickets").fetchall()
    print(f"\nresult      {json.dumps(run['output'])}")
    print(f"in the CRM  {rows}\n")
    for name, url in urls.items():
        print(f"{name:<11} {url}")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
