"""mptrace says why a multi-process Python job hung or died; this file imports nothing, since every traced process passes here."""

__version__ = "0.1.0"
