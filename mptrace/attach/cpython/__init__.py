"""CPython's own objects, read from the memory of another process: 3.10 to 3.15, by the layouts of each version."""
