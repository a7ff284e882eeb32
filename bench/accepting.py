"""`python -m bench.accepting`: runs that an API takes in, a second, beside a bare FastAPI endpoint that calls `delay()`.

One process of uvicorn each, on one server, without workers; as many callers as below, each on a connection that it keeps.
Writes bench/results/accepting.{json,md}.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from bench.cases import CASES
from bench.machine import machine, publish
from bench.runtime_peers.ours import pure
from bench.served import ROOT, own_redis, python, stop
from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.web import tokens
from tests.support.redis import free_port
from tests.support.until import until

CALLERS = 16
REQUESTS, ROUNDS = 4000, 5
CASE = CASES["pure_chain"]
BODY = json.dumps({"value": 0}).encode()
PATHS = {"saltern": "/runs", "thread": "/thread", "loop": "/loop"}


def main() -> None:
    with own_redis(), tempfile.TemporaryDirectory(prefix="saltern-bench-") as folder:
        rounds = measure(Path(folder), REQUESTS, ROUNDS)
    report(rounds)


def measure(folder: Path, requests: int, rounds: int) -> list[dict[str, dict[str, float]]]:
    """Serve both, and ask each in turn."""
    result = compile_source(pure(CASE), source_name=f"{CASE.name}.saltern", targets=("python", "fastapi"))
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, folder / "tree")
    token, entry = tokens.new("bench")
    env = {"PYTHONPATH": f"{folder / 'tree'}{os.pathsep}{ROOT}", "SALTERN_API_TOKENS": str(entry)}
    quiet = ("--log-level", "warning", "--no-access-log")
    ports = {"saltern": free_port(), "bare": free_port()}
    served = {
        "saltern": python("uvicorn", "--factory", f"{CASE.name}:create_app", "--port", f"{ports['saltern']}", *quiet, **env),
        "bare": python("uvicorn", "bench.runtime_peers.bare:app", "--port", f"{ports['bare']}", *quiet),
    }  # fmt: skip
    try:
        for name, path in (("saltern", "/readyz"), ("bare", "/docs")):
            assert until(lambda at=f"http://127.0.0.1:{ports[name]}{path}": answers(at), 60)
        found = []
        for number in range(rounds + 1):
            row = {}
            for name, path in PATHS.items():
                which = name if name in served else "bare"
                before = spent(served[which].pid)
                took = asyncio.run(crowd(ports[which], path, token, requests))
                row[name] = {"per_second": requests / took, "us": (spent(served[which].pid) - before) * 1e6 / requests}
            if number:  # the first one is for the connections and what is made at first
                found.append(row)
        return found
    finally:
        for process in served.values():
            stop(process)


def answers(url: str) -> bool:
    """Whether something is there."""
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


async def crowd(port: int, path: str, token: str, requests: int) -> float:
    """Ask so many times, by all callers together, and return the seconds."""
    began = time.perf_counter()
    await asyncio.gather(*(caller(port, path, token, requests // CALLERS) for _ in range(CALLERS)))
    return time.perf_counter() - began


async def caller(port: int, path: str, token: str, requests: int) -> None:
    """Ask one time after the other. A request is written out: what reads and writes it is not what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    for _ in range(requests):
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 202"), answer
        (length,) = (line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()


def spent(pid: int) -> float:
    """Return the processor time of a process, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    where = machine("celery", "kombu", "fastapi", "uvicorn", "redis")
    said = {"saltern": "Saltern", "thread": "bare, from a thread", "loop": "bare, in the loop"}
    lines = [
        "# Taking in runs",
        "",
        f"By `python -m bench.accepting`: one process of uvicorn each, {CALLERS} callers, {REQUESTS:,} requests in each of {ROUNDS} rounds in turn;",
        "medians. Ours checks a token and the input, keeps the run, its input and its first event, and rings for a worker; a bare endpoint",
        "checks the input and calls `delay()`. The ratio is that of ours to it, of one round each.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| | a second | µs of the API's processor | ours beside it |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, text in said.items():
        ratios = [row["saltern"]["per_second"] / row[name]["per_second"] for row in rounds]
        speed, cost = (statistics.median(row[name][part] for row in rounds) for part in ("per_second", "us"))
        lines.append(f"| {text} | {speed:,.0f} | {cost:,.0f} | {statistics.median(ratios):.2f} x |")
    publish("accepting", lines, {"machine": where, "rounds": rounds})


if __name__ == "__main__":
    main()
