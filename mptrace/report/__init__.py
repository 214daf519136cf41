"""Tell the findings to people and to programs."""
