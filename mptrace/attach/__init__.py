"""Get at a job that already hangs: from outside first, inside only on request."""
