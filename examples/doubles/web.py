"""A web server that tells what it was asked: every path answers 200 with the request as JSON, but `/status/404` with that status.

`python -m examples.doubles.web`.
"""

from __future__ import annotations

from dataclasses import asdict

from examples.doubles.server import Answer, Double, Received, main


def web(port: int = 0) -> Double:
    """Make a server that echoes."""
    return Double(answer, port=port)


def answer(request: Received) -> Answer:
    """Tell what came in."""
    _, _, status = request.path.rpartition("/status/")
    return Answer(asdict(request), status=int(status) if status.isdigit() else 200)


if __name__ == "__main__":
    main(web, "A web server that tells what it was asked.")
