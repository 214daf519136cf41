"""One file a family of event kinds; a traced process imports only what it records. Numbers are explicit and never reused."""
