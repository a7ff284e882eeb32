"""A package shaped like generated code: one node of own code, which misbehaves as its run's input says."""
