"""The records of long logs are read again from their files, whoever else is asked in between."""

from __future__ import annotations

from mptrace.collect.log import read_stream
from mptrace.collect.records import KEPT, Log
from mptrace.wire.event import encode
from mptrace.wire.events import agents

COUNT = 3 * (KEPT + (1 << 20)) // 1000


def long_log(folder, name):
    path = folder / name
    path.write_bytes(b"".join(encode(agents.NOTE, 1, number, (f"{name} {number} {'x' * 950}",)) for number in range(COUNT)))
    log = Log()
    with path.open("rb") as file:
        read_stream(file, log, 0, str(path))
    return log


def test_two_long_logs_that_are_read_in_turns_keep_their_own_records(tmp_path):
    logs = [long_log(tmp_path, name) for name in ("one", "two")]
    assert [log.count() for log in logs] == [COUNT, COUNT]
    for number, (one, two) in enumerate(zip(*(log.each(agents.NOTE.number) for log in logs), strict=True)):
        says = one.fields["says"], two.fields["says"]
        assert (says[0][:20].split()[:2], says[1][:20].split()[:2]) == (["one", str(number)], ["two", str(number)])


def test_a_file_that_is_gone_gives_no_records_and_no_error(tmp_path):
    log = long_log(tmp_path, "one")
    (tmp_path / "one").unlink()
    assert len(list(log.each(agents.NOTE.number))) < COUNT
