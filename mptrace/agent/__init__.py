"""Our part inside every traced process: injected by path under the name ``_mptrace``, knows `wire` and nothing else."""
