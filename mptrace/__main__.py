"""``python -m mptrace``."""

from mptrace.cli.command import main

if __name__ == "__main__":
    main()
