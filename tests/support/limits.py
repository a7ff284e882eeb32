"""What a run's events say of limits: how many attempts ran at a time, and how many began too soon."""

_ENDS = {"succeeded", "failed", "retrying", "released", "lost"}


def at_a_time(events, stage):
    """Return the most attempts of a stage (in all items) that ran at the same time, by the store's own order."""
    running, most = set(), 0
    for event in events:
        kind, _, what = event.type.partition(".")
        if kind != "stage" or not event.path.endswith(stage):
            continue
        if what == "started":
            running.add(event.path)
            most = max(most, len(running))
        elif what in _ENDS:
            running.discard(event.path)
    return most


def too_soon(events, stage, per_second):
    """Return pairs of attempts between which more began than the rate lets through, by the store's clock."""
    began = [event.at for event in events if event.type == "stage.started" and event.path.endswith(stage)]
    burst = max(1.0, per_second)
    return [
        (first, last)
        for first in range(len(began))
        for last in range(first + 1, len(began))
        if last - first + 1 > burst + per_second * (began[last] - began[first]) + 0.1
    ]
