"""Read a run directory back; trust nothing in it; count what was torn, truncated or lost."""
