"""What happened, as objects; no I/O."""
