"""Get at a job that already hangs: from outside only, into a run directory like any other."""
