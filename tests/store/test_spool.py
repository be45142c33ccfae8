"""What waits on disk: in order, whole, bounded, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.frames import NoFrame, bodies, frame, record_of
from engine.store.records import ConversationStarted, EventNoted, Record
from engine.store.spool import Spool, SpoolTaken
from tests.store.test_contract import RECORDS, STORY


def note(number: int) -> EventNoted:
    return EventNoted("n1-1", number, 0.5, "tick", {"said": "x" * 40, "code": None})


def numbers(records: list[Record]) -> list[int]:
    return [record.seq for record in records if isinstance(record, EventNoted)]


@given(records=st.lists(RECORDS, max_size=5))
def test_every_record_comes_back_as_it_was(records: list[Record]) -> None:
    data = b"".join(map(frame, records))
    assert [record_of(body) for body in bodies(data)] == records


@given(records=st.lists(RECORDS, min_size=1, max_size=3), cut=st.integers(1, 400))
def test_a_file_that_was_cut_off_gives_the_records_before_the_cut(records: list[Record], cut: int) -> None:
    data = b"".join(map(frame, records))[:-cut]
    found = [record_of(body) for body in bodies(data)]
    assert found == records[: len(found)]
    assert len(found) < len(records)


def test_a_frame_of_another_version_is_none() -> None:
    with pytest.raises(NoFrame):
        record_of(b"\x92\xa5Other\x80")
    with pytest.raises(NoFrame):
        record_of(b"\xc1")


def test_records_come_out_in_order_over_files_and_lives(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", segment=300)
    spool.append(STORY)
    for i in range(20):
        spool.append([note(i)])
    first, count = spool.read(4)
    assert first == list(STORY[:4])
    spool.done(count)
    spool.close()
    spool = Spool(tmp_path / "spool", segment=300)
    assert spool.waiting >= len(STORY) + 20 - 4
    spool.append([note(20)])
    found: list[Record] = []
    while spool.waiting:
        records, count = spool.read(7)
        found += records
        spool.done(count)
    assert [record for record in found if record in STORY[4:]] == list(STORY[4:])
    assert numbers(found)[-21:] == list(range(21))
    assert list((tmp_path / "spool").glob("*.records")) == []
    spool.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(acts=st.lists(st.integers(-6, 6), max_size=40))
def test_each_once_and_in_order_however_it_is_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, acts: list[int]
) -> None:
    """A positive number appends so many, a negative one takes so many out, 0 is a crash."""
    folder = tmp_path_factory.mktemp("spool") / "spool"
    spool, put, got = Spool(folder, segment=200), 0, -1
    for act in acts:
        if act > 0:
            spool.append([note(put + i) for i in range(act)])
            put += act
        elif act < 0:
            records, count = spool.read(-act)
            found = numbers(records)
            assert found == list(range(found[0], found[0] + len(found))) if found else spool.waiting == 0
            assert not found or found[0] <= got + 1, "none is left out"
            got = max(got, found[-1]) if found else got
            spool.done(count)
        else:
            spool.close()
            spool = Spool(folder, segment=200)
    while spool.waiting:
        records, count = spool.read(5)
        got = numbers(records)[-1]
        spool.done(count)
    assert got == put - 1
    spool.close()


def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", room=1000)
    for i in range(5):
        spool.append([note(i)])
    with pytest.raises(OSError, match="has its"):
        spool.append([note(i) for i in range(5, 15)])
    spool.append([note(5)])
    assert numbers(spool.read(100)[0]) == list(range(6))
    spool.close()


def test_what_no_frame_can_hold_is_left_out_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    bad = ConversationStarted("n1-2", "n1", "inbound", "1", "\ud800", 1.0)
    assert spool.append([note(1), bad, EventNoted("n1-1", 2**70, 0.0, "odd"), note(2)]) == 2
    assert numbers(spool.read(9)[0]) == [1, 2]
    spool.close()


def test_two_engines_cannot_have_one_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with pytest.raises(SpoolTaken, match="in use by another engine"):
        Spool(tmp_path / "spool")
    spool.close()
    Spool(tmp_path / "spool").close()


def test_bytes_that_a_crash_left_behind_do_not_hide_what_comes_after(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append([note(1), note(2)])
    spool.close()
    (path,) = (tmp_path / "spool").glob("*.records")
    path.write_bytes(path.read_bytes()[:-7])
    spool = Spool(tmp_path / "spool")
    spool.append([note(3)])
    found: list[Record] = []
    while spool.waiting:
        records, count = spool.read(9)
        found += records
        spool.done(count)
    assert numbers(found) == [1, 3]
    spool.close()
