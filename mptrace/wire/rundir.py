"""The run directory: the names of its files, and what the environment tells a traced process about it.

::

    run.json                          what was started, where, by which Python; written first, completed at the end
    observer.log                      what was seen from outside (records of wire/event.py behind LOG_MAGIC)
    processes/PID-OPENED.mpt          recorder file of one incarnation of a process; OPENED: CLOCK_MONOTONIC ns
    processes/PID-OPENED.mpt.N        its N-th segment
    processes/PID-OPENED.seen         empty: the agent booted in this process (which may never import multiprocessing)
    dropped.txt                       of each process whose recording was dropped: PID-OPENED, KEY:SENT:RECEIVED:ENDS of its connections
    moments/NNNN/PID-OPENED.mpt       the heads of all recorder files, copied at one instant of a hang
    sources.json                      the lines of the program that the recording points at
    report.json                       the last report
"""

ENV_RUN = "_MPTRACE_RUN"
"""Environment variable with the absolute path of the run directory; set means: record."""

ENV_HOME = "_MPTRACE_HOME"
"""Environment variable with the absolute path of the mptrace package that the agent is loaded from."""

META, OBSERVER, SOURCES, REPORT = "run.json", "observer.log", "sources.json", "report.json"
PROCESSES, MOMENTS, DROPPED = "processes", "moments", "dropped.txt"
RECORDING, SEEN = ".mpt", ".seen"
LOG_MAGIC = b"MPTRACE-LOG\x01\0\0\0\0"
"""First 16 bytes of observer.log, with its version."""


def recording_name(pid: int, opened_ns: int, segment: int = 0) -> str:
    """Return the name of a process's recorder file, or of its segment."""
    name = f"{pid}-{opened_ns}{RECORDING}"
    return f"{name}.{segment}" if segment else name


def seen_name(pid: int, opened_ns: int) -> str:
    """Return the name of the mark that the agent leaves when it boots."""
    return f"{pid}-{opened_ns}{SEEN}"


def parse_name(name: str) -> tuple[int, int, int] | None:
    """Return (pid, opened ns, segment) of a recorder file's name; None if it is not one."""
    stem, dot, rest = name.partition(RECORDING)
    pid, dash, opened = stem.partition("-")
    segment = rest.removeprefix(".")
    if not (dot and dash and pid.isdigit() and opened.isdigit() and (not rest or segment.isdigit())):
        return None
    return int(pid), int(opened), int(segment or 0)
