"""`python -m bench.tenants`: what it costs the store that tenants share a queue: calls of Redis and processor time, for each stage.

Scripts alone, as in `bench.limits`: a run of one stage is created, claimed and ended, for one tenant and for many, with a queue that is short
and with one of 2,000. Writes bench/results/tenants.{json,md}.
"""

from bench.limits import ROUNDS, RUNS, measure
from bench.machine import machine, publish
from bench.served import medians

CASES = {
    f"{said}, {length:,} wait": (length, tenants)
    for tenants, said in ((1, "one tenant"), (2, "two tenants"), (1000, "1,000 tenants"))
    for length in (1, 2_000)
}


def main() -> None:
    report(medians(CASES, lambda url, case: measure(url, None, *case), ROUNDS))


def report(rows: dict) -> None:
    where = machine("redis")
    lines = [
        "# Tenants that share a queue",
        "",
        f"By `python -m bench.tenants`: one server, scripts alone; {RUNS:,} runs of one stage are created, claimed and ended one by one, the",
        f"middle of {ROUNDS} rounds. What the server did for each: calls of Redis inside of scripts, and processor time of the server.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| | calls | µs |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {row['calls']:.1f} | {row['us']:.0f} |" for name, row in rows.items()),
    ]
    publish("tenants", lines, {"machine": where, "rows": rows})


if __name__ == "__main__":
    main()
