"""Damaged recordings are read up to the damage, and the loss is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptrace.collect import read_run
from mptrace.collect.log import read_log, read_stream
from mptrace.collect.records import Log
from mptrace.errors import BadRecording
from mptrace.model.build import build_run
from mptrace.model.wait_graph import build_wait_graph
from mptrace.wire import layout, rundir
from mptrace.wire.event import Kind, encode
from mptrace.wire.events import agents, processes, resources
from mptrace.wire.resource import SEM
from mptrace.wire.wait import ACQUIRE
from tests.support.recording import RunWriter

FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def small_run(path):
    run = RunWriter(path)
    main = run.process(10)
    main.made("Lock", SEM, 7, "/p/a.py:3 main").started(11, "worker")
    main.waits(ACQUIRE, SEM, 7, since_ms=5)
    child = run.process(11, 2, parent=main).runs("worker")
    child.holds(7).does(0, 1, 2, "task(1)").tally(9, 1, 2)
    run.exited(11, -9, 20).moment(1, 10)
    return run


def judge(path):
    run = build_run(read_run(path))
    for moment in run.moments:
        build_wait_graph(moment, run).cycles()
    return run


def records(count):
    return b"".join(encode(agents.NOTE, 1, 10 + number, (f"note {number}",)) for number in range(count))


def test_a_recording_without_damage_has_no_losses(tmp_path):
    recording = read_run(small_run(tmp_path / "run").save())
    assert not recording.damage
    assert [file.damage for file in recording.processes] == [[], []]
    assert not build_run(recording).completeness.lost.anything


def test_a_log_cut_at_every_byte_gives_all_whole_records_before_the_cut():
    data = records(5)
    size = len(data) // 5
    for cut in range(len(data) + 1):
        log = Log()
        read_log(data[:cut], log)
        whole = len(log.records)
        assert whole in (cut // size, cut // size + 1)  # the padding of a whole record may be cut
        assert log.damaged == 0
        assert log.torn <= 1


def test_a_torn_last_record_is_dropped_and_counted():
    data = bytearray(records(3) + b"\0" * 64)
    data[len(data) - 64 - 10] ^= 0xFF
    log = Log()
    read_log(bytes(data), log)
    assert len(log.records) == 2
    assert (log.torn, log.damaged) == (1, 0)


def test_a_damaged_record_in_the_middle_is_skipped_and_counted():
    data = bytearray(records(3))
    data[len(data) // 3 + 20] ^= 0xFF
    log = Log()
    read_log(bytes(data), log)
    assert [record.fields["says"] for record in log.records] == ["note 0", "note 2"]
    assert (log.torn, log.damaged) == (0, 1)


def test_a_record_of_a_kind_that_is_not_known_is_counted_and_the_rest_is_read():
    kind = agents.NOTE
    unknown = type(kind)(9999, "future.kind", "", dict(kind.fields))
    log = Log()
    read_log(encode(unknown, 1, 1, ("x",)) + records(1), log)
    assert (len(log.records), log.unknown) == (1, 1)


def test_a_body_that_was_stored_without_its_length_counts_as_torn():
    whole = records(1)
    log = Log()
    read_log(records(1) + b"\0" * 8 + whole[8:], log)
    assert (len(log.records), log.torn) == (1, 1)


def test_a_log_is_read_the_same_in_one_piece_and_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("mptrace.collect.log.CHUNK", 13)
    (tmp_path / "log").write_bytes(records(20))
    log = Log()
    with open(tmp_path / "log", "rb") as file:
        read_stream(file, log, 16)
    assert [record.fields["says"] for record in log.records] == [f"note {number}" for number in range(20)]
    assert log.records[1].offset == 16 + len(records(1))


def test_a_process_file_cut_at_any_byte_is_read(tmp_path):
    run = small_run(tmp_path / "run")
    path = run.save()
    name = os.path.join(path, rundir.PROCESSES, run.files[0].name)
    data = bytes(run.files[0].data)
    end = run.files[0].at
    cuts = [*range(0, 600, 7), *range(600, layout.LOG, 997), *range(layout.LOG, end, 5), len(data) - 1]
    for cut in cuts:
        with open(name, "wb") as file:
            file.write(data[:cut])
        built = build_run(read_run(path))
        assert {process.pid for process in built.processes} == {10, 11}
        assert built.completeness.lost.damaged_files, cut


def test_the_empty_file_of_a_process_that_was_ended_as_it_began_is_no_loss(tmp_path):
    for ended_ms, lost in ((12, 0), (5000, 1)):
        run = small_run(tmp_path / str(ended_ms))
        cut = run.process(13, 10)
        run.exited(13, -15, ended_ms)
        path = run.save()
        Path(path, rundir.PROCESSES, cut.name).write_bytes(b"")
        assert len(build_run(read_run(path)).completeness.lost.damaged_files) == lost


def test_files_of_another_version_and_foreign_ones_are_named_and_not_read(tmp_path):
    run = small_run(tmp_path / "run")
    run.files[0].header(layout.H_VERSION, 99 | layout.HEADER_SIZE << 32)
    path = run.save()
    (tmp_path / "run" / "processes" / "12-3.mpt").write_bytes(b"GIF89a" * 200)
    damage = [text for file in read_run(path).processes for text in file.damage]
    assert any("format 99" in text for text in damage)
    assert any("not a recorder file of mptrace" in text for text in damage)


def test_segments_go_on_with_the_log_and_a_missing_one_is_noted(tmp_path):
    run = small_run(tmp_path / "run")
    path = run.save()
    first = run.files[0]
    segment = bytearray(layout.SEGMENT_SIZE)
    segment[: layout.HEADER_SIZE] = first.data[: layout.HEADER_SIZE]
    segment[layout.HEADER_SIZE : layout.HEADER_SIZE + len(records(2))] = records(2)
    target = tmp_path / "run" / "processes" / f"{first.name}.1"
    target.write_bytes(segment)
    log = read_run(path).processes[0].log
    assert [record.kind for record in log.records[-2:]] == [agents.NOTE, agents.NOTE]
    assert log.records[-2].offset == layout.LOG_SIZE
    target.rename(f"{target}"[:-1] + "2")
    assert any("a segment of its log is missing" in text for text in read_run(path).processes[0].damage)


def test_what_is_no_run_directory_is_refused_with_a_sentence_and_a_hint(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nowhere", tmp_path / "file", tmp_path):
        with pytest.raises(BadRecording) as refused:
            read_run(str(path))
        assert str(path) in refused.value.message
        assert refused.value.hint


def test_a_folder_in_which_nothing_is_ours_is_refused_and_one_with_a_readable_rest_is_read(tmp_path):
    path = small_run(tmp_path / "run").save()
    foreign = tmp_path / "foreign"
    (foreign / "processes").mkdir(parents=True)
    (foreign / "processes" / "12-1.mpt").write_bytes(b"\0" * 4096)
    for name in ("run.json", "observer.log"):
        (foreign / name).write_bytes(b"something else")
        (tmp_path / "run" / name).write_bytes(b"something else")
    with pytest.raises(BadRecording) as refused:
        read_run(str(foreign))
    assert str(foreign) in refused.value.message
    assert "run.json" in refused.value.message
    assert read_run(path).processes


def test_pipes_and_folders_in_place_of_files_do_not_make_the_reader_wait(tmp_path):
    path = small_run(tmp_path / "run").save()
    folder = tmp_path / "run" / "processes"
    os.mkfifo(folder / "12-1.mpt")
    (folder / "13-1.mpt").mkdir()
    os.unlink(tmp_path / "run" / "observer.log")
    os.mkfifo(tmp_path / "run" / "observer.log")
    recording = read_run(path)
    assert len(recording.processes) == 4
    assert recording.observer is None
    build_run(recording)


@FUZZ
@given(st.binary(max_size=400), st.integers(0, layout.LOG + 3000), st.booleans())
def test_no_bytes_in_a_recorder_file_make_the_reader_or_the_builder_fail(tmp_path_factory, noise, at, cut):
    run = small_run(tmp_path_factory.mktemp("fuzz") / "run")
    path = run.save()
    data = bytearray(run.files[0].data)
    data[at : at + len(noise)] = noise
    target = os.path.join(path, rundir.PROCESSES, run.files[0].name)
    with open(target, "wb") as file:
        file.write(data[: at + len(noise)] if cut else data)
    judge(path)


_VALUES = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 12))


@FUZZ
@given(st.data())
def test_no_events_with_wrong_numbers_make_the_builder_fail(tmp_path_factory, data):
    kinds = [kind for family in (processes, resources) for kind in vars(family).values() if isinstance(kind, Kind)]
    run = small_run(tmp_path_factory.mktemp("fuzz") / "run")
    for kind in data.draw(st.lists(st.sampled_from(kinds), max_size=8)):
        run.files[data.draw(st.integers(0, 1))].log(
            kind, **{name: data.draw(_VALUES) for name, of_type in kind.fields if of_type == "int"}
        )
    judge(run.save())


@FUZZ
@given(st.binary(max_size=2000), st.sampled_from(["run.json", "observer.log", "sources.json"]))
def test_no_bytes_in_the_other_files_make_the_reader_fail(tmp_path_factory, noise, name):
    run = small_run(tmp_path_factory.mktemp("fuzz") / "run")
    path = run.save()
    with open(os.path.join(path, name), "wb") as file:
        file.write(rundir.LOG_MAGIC + noise if name == "observer.log" else noise)
    judge(path)
