"""Rules over a run: which state it is in, how sure that is, and what to do."""
