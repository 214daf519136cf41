"""Start a program with the agent in it."""
