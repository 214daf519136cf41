"""What the agent inside and the collector outside agree on: event kinds, bytes, names; stdlib only, and of that only what is free."""
