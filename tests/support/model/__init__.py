"""What the store must answer, and what it must be afterwards, said once more in plain Python: no Redis, no clock, no plan."""
