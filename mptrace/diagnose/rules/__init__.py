"""One file a diagnosis; the registry finds them by their files."""
