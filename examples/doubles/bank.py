"""A double of a bank: POST /payments orders one, GET /payments/1 tells of it, DELETE closes it. `python -m examples.doubles.bank`.

The account says what becomes of a payment: `silent` in it means that nobody calls back and the third question finds it out,
`never` that it stays pending, anything else that the bank calls `notify` before it even answers the order. `refuse` in it: the
payment is refused, else paid. The same `Idempotency-Key` is the same payment. Tokens that begin with `bad` are refused.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from examples.doubles.server import Answer, Double, Received, bearer, main

QUESTIONS = 3


@dataclass
class Payment:
    """A payment; `told` is the status of the answer to the call back, 0 where nobody took it."""

    id: str
    account: str
    amount: int
    status: str = "pending"
    questions: int = 0
    told: int | None = None

    def settle(self) -> None:
        """Find out whether it is paid."""
        self.status = "refused" if "refuse" in self.account else "paid"


@dataclass
class Bank:
    """The payments of one double."""

    payments: dict[str, Payment] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Received) -> Answer:
        """Answer one request."""
        if not bearer(request) or bearer(request).startswith("bad"):
            return _refuse(401, "unknown token")
        if (request.method, request.path) == ("POST", "/payments"):
            return self._order(request)
        payment = self.payments.get(request.path.removeprefix("/payments/"))
        if payment is None:
            return _refuse(404, "no such payment")
        if request.method == "DELETE":
            payment.status = "closed"
        elif payment.status == "pending":
            payment.questions += 1
            if payment.questions >= QUESTIONS and "never" not in payment.account:
                payment.settle()
        return _show(payment)

    def _order(self, request: Received) -> Answer:
        given = request.body if isinstance(request.body, dict) else {}
        account, amount, notify = (given.get(name) for name in ("account", "amount", "notify"))
        if not isinstance(account, str) or not isinstance(amount, int) or amount <= 0:
            return _refuse(422, "a payment has an account and an amount in cents")
        key = request.headers.get("idempotency-key", "")
        with self.lock:
            if key in self.keys:
                return _show(self.payments[self.keys[key]])
            payment = Payment(str(len(self.payments) + 1), account, amount)
            self.payments[payment.id] = payment
            if key:
                self.keys[key] = payment.id
        if isinstance(notify, str) and "silent" not in account and "never" not in account:
            payment.settle()
            payment.told = _call(notify, {"status": payment.status})
        return _show(payment)


def bank(port: int = 0) -> Double:
    """Make a double of a bank; its URL is the `base_url` of a connection."""
    return Double(Bank().answer, port=port)


def _call(url: str, body: dict[str, Any]) -> int:
    """Call back; return the status of the answer, 0 for none."""
    request = Request(url, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST")
    try:
        with urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except URLError:
        return 0


def _show(payment: Payment) -> Answer:
    return Answer({"id": payment.id, "status": payment.status, "amount": payment.amount, "told": payment.told})


def _refuse(status: int, message: str) -> Answer:
    return Answer({"message": message}, status)


if __name__ == "__main__":
    main(bank, "A double of a bank.")
