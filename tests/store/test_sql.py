"""The store on disk: survives, refuses what cannot be stored, says what is wrong with its URL."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from engine.store.databases import StoreFault
from engine.store.open import open_store
from engine.store.records import ConversationStarted, EventNoted, RecordingWhole
from engine.store.sql import SqlStore
from engine.store.store import StoreDown
from tests.store.test_contract import STARTED, STORY


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


async def test_what_was_written_is_there_after_a_restart_without_a_flush(tmp_path: Path) -> None:
    async with open_store(url(tmp_path)) as store:
        for record in STORY:
            store.write(record)
    async with open_store(url(tmp_path)) as store:
        row = await store.conversation("n1-1")
        assert row is not None
        assert row.end == "completed"
        assert len(await store.journal("n1-1")) == 4


async def test_a_path_is_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store("sqlite:///here.db") as store:
        monkeypatch.chdir("/")
        store.write(STARTED)
        await store.flush()
    assert (tmp_path / "here.db").exists()


async def test_others_may_read_while_it_writes(tmp_path: Path) -> None:
    async with open_store(url(tmp_path)) as store:
        store.write(STARTED)
        await store.flush()
        with sqlite3.connect(tmp_path / "store.db") as reader:
            assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert reader.execute("SELECT id, phase FROM conversations").fetchall() == [("n1-1", "")]
        reader.close()


@pytest.mark.parametrize(
    "bad",
    [
        ConversationStarted("n1-2", "n1", "inbound", "1", "\ud800", 1.0),
        EventNoted("n1-1", 8, 1.0, "odd", {"what": b"bytes"}),  # type: ignore[dict-item]
        EventNoted("n1-1", 2**70, 1.0, "odd"),
        RecordingWhole("n1-1", "x", None, 1.0, 1.0, 0),  # type: ignore[arg-type]
    ],
    ids=["no Unicode", "no JSON", "too large", "null"],
)
async def test_one_bad_record_does_not_take_its_batch_along(
    tmp_path: Path, bad: ConversationStarted | EventNoted | RecordingWhole
) -> None:
    async with open_store(url(tmp_path)) as store:
        for record in (STARTED, bad, EventNoted("n1-1", 1, 2.0, "good")):
            store.write(record)
        await store.flush()
        assert store.refused == 1
        assert await store.conversation("n1-1") is not None
        assert [line.name for line in await store.journal("n1-1")] == ["good"]


async def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    async with open_store(url(tmp_path)) as store:
        await _never_wait_for_locks(store)
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        store.write(STARTED)
        with pytest.raises(StoreDown, match="locked"):
            await store.flush()
        other.execute("ROLLBACK")
        other.close()
        await store.flush()
        assert await store.conversation("n1-1") is not None


async def _never_wait_for_locks(store: SqlStore) -> None:
    await store._database.late.run(lambda it: it.exec_driver_sql("PRAGMA busy_timeout=0").close(), None)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("sqlite:///{tmp}/no/such/store.db", "the folder .*/no/such does not exist"),
        ("sqlite://", "names no file"),
        ("mysql://u:secret@host/db", "mysql is not spoken here"),
        ("cordboard.db", "not a database URL"),
        ("sqlite:///{tmp}", "unable to open database file"),
        ("sqlite:///{tmp}/text.db", "file is not a database"),
    ],
)
async def test_a_url_that_leads_nowhere_says_why_and_what_is_allowed(
    tmp_path: Path, bad: str, said: str
) -> None:
    (tmp_path / "text.db").write_text("this is not a database, " * 50)
    with pytest.raises(StoreFault, match=said) as refusal:
        async with open_store(bad.format(tmp=tmp_path)):
            raise AssertionError("opened")
    assert str(refusal.value).startswith("store.url: ")
    assert "secret" not in str(refusal.value)


async def test_a_postgresql_url_without_its_driver_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreFault, match=r"pip install 'cordboard\[postgresql\]'") as refusal:
        async with open_store("postgresql://me:secret@127.0.0.1/db", spool=tmp_path / "spool"):
            raise AssertionError("opened")
    assert "secret" not in str(refusal.value)


KILLED = """
import asyncio, sys
from engine.store.open import open_store
from engine.store.records import ConversationStarted

async def main():
    async with open_store(sys.argv[1]) as store:
        for i in range(10**9):
            for k in range(20):
                store.write(ConversationStarted(f"{i}-{k}", "n1", "inbound", "1", "2", float(i)))
            await store.flush()
            print(i, flush=True)

asyncio.run(main())
"""


async def test_a_killed_engine_keeps_all_that_was_flushed(tmp_path: Path) -> None:
    async with open_store(url(tmp_path)):
        pass  # the tables are made here, so that the other process prints its numbers alone
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, url(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=os.getcwd()
    )
    assert process.stdout is not None
    flushed = -1
    while flushed < 30:
        flushed = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    flushed = int(rest.split()[-1]) if rest.split() else flushed
    async with open_store(url(tmp_path)) as store:
        assert len(await store.unended("n1")) >= 20 * (flushed + 1)
