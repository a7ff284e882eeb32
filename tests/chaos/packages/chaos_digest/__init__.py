"""A package shaped like generated code: a digest, with a foreach whose effects count themselves in Redis, and a schedule."""
