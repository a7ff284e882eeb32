"""What the pipeline order_totals calculates in Python."""


def add(amounts: list[int]) -> int:
    """Add up amounts in cents."""
    return sum(amounts)
