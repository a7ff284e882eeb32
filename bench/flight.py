"""`python -m bench.flight`: what a stage costs the store while 100, and up to 100,000, others are in flight.

Scripts alone, as in `bench.limits`: a run of one stage is created, claimed and ended with so many before it in its queue.
Writes bench/results/flight.{json,md}.
"""

from bench.limits import RUNS, measure
from bench.machine import machine, publish
from bench.served import medians

ROUNDS = 3
CASES = {f"{length:,}": length for length in (100, 1_000, 10_000, 100_000)}


def main() -> None:
    report(medians(CASES, lambda url, length: measure(url, None, length), ROUNDS))


def report(rows: dict) -> None:
    where = machine("redis")
    least = rows["100"]["us"]
    lines = [
        "# A stage among many in flight",
        "",
        f"By `python -m bench.flight`: one server, scripts alone; {RUNS:,} runs of one stage are created, claimed and ended one by one, the",
        f"middle of {ROUNDS} rounds, while so many runs wait in the same queue. What the server did for each: calls of Redis inside of scripts",
        "and processor time; and what a run that waits holds of its memory.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| in flight | calls | µs | of that with 100 | bytes a run |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {name} | {row['calls']:.1f} | {row['us']:.0f} | {row['us'] / least:.2f} x | {row['bytes']:,.0f} |"
            for name, row in rows.items()
        ),
    ]
    publish("flight", lines, {"machine": where, "rows": rows})


if __name__ == "__main__":
    main()
