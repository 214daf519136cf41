"""Events about the agent itself: 140 to 149."""

from ..event import INT, TEXT, declare

PROBE_OFF = declare(140, "probe.off", "a probe failed and was switched off; the program went on", probe=TEXT, error=TEXT)
PROBE_ON = declare(141, "probe.on", "a probe was installed", probe=TEXT)
NOTE = declare(142, "agent.note", "something that a reader of the recording must know", says=TEXT)
LOST = declare(143, "records.lost", "so many records were not written", count=INT, why=TEXT)
