"""One file a primitive; their order and targets stand in ``agent/probe.py``."""
