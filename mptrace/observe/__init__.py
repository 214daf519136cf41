"""Look at a job from outside: exits, /proc, memory, stacks, stalls; writes what it saw to the run directory."""
