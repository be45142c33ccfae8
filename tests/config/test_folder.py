"""A deployment of several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.faults import Faults
from config.load import load
from tests.config.deployments import ENVIRON, EXAMPLE, SMALL


def written(folder: Path, **files: str) -> Path:
    """A folder with files by name."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_sections_of_several_files_come_together(tmp_path: Path) -> None:
    more = "queues:\n  renewals: {priority: 3}\ncalls: {missed: close}\n"
    settings = load(written(tmp_path, a=SMALL, b=more), {})
    assert set(settings.queues) == {"support", "sales", "renewals"}
    assert settings.calls.missed == "close"
    assert settings.where("queues", "renewals", "priority") == f"{tmp_path / 'b.yaml'}:2:14"
    assert settings.where("queues", "sales") == f"{tmp_path / 'a.yaml'}:12:3"


def test_the_example_cut_into_a_file_for_each_section_is_the_same(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if line[0].isalpha()]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        written(tmp_path, **{lines[start].partition(":")[0]: "".join(lines[start:end])})
    whole, parts = load(EXAMPLE, ENVIRON), load(tmp_path, ENVIRON)
    assert parts.model_dump() == whole.model_dump()
    assert len(list(tmp_path.iterdir())) == len(starts)


@pytest.mark.parametrize(
    ("more", "place", "first"),
    [
        ("queues: {support: {}}", "1:10", "11:3"),
        ("sip: {domain: other.test}", "1:7", "1:39"),
        ("calls: {}\nqueues:\n  x: {}\n  sales: {}", "4:3", "12:3"),
    ],
)
def test_the_same_key_twice_names_both_places(tmp_path: Path, more: str, place: str, first: str) -> None:
    with pytest.raises(Faults) as caught:
        load(written(tmp_path, a=SMALL, b=more), {})
    [fault] = caught.value.items
    assert str(fault.mark) == f"{tmp_path / 'b.yaml'}:{place}"
    assert f"also at {tmp_path / 'a.yaml'}:{first}" in fault.message


def test_a_list_is_in_one_file(tmp_path: Path) -> None:
    entry = 'directory: [{name: A, number: "+442071239999"}]'
    with pytest.raises(Faults, match=r"directory: the key is also at .*a\.yaml:13:1"):
        load(written(tmp_path, a=SMALL + entry, b=entry), {})


def test_faults_of_all_files_come_together(tmp_path: Path) -> None:
    folder = written(
        tmp_path, a=SMALL + "calls: {ring: {agent: 1s}}", b="web: {listn: x}", c="queues: {q: {hours: h}}"
    )
    with pytest.raises(Faults) as caught:
        load(folder, {})
    assert [Path(fault.path).name for fault in caught.value.items] == ["a.yaml", "b.yaml", "c.yaml"]


def test_syntax_errors_of_all_files_come_together(tmp_path: Path) -> None:
    with pytest.raises(Faults) as caught:
        load(written(tmp_path, a="a: [", b="b: {", c=SMALL), {})
    assert [Path(fault.path).name for fault in caught.value.items] == ["a.yaml", "b.yaml"]


def test_files_are_seen_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "hi.wav").write_bytes(b"RIFF")
    more = "waiting_strategies: {w: {greeting: {audio: hi.wav}, music: hi.wav}}"
    strategy = load(written(tmp_path, a=SMALL, b=more), {}).waiting_strategies["w"]
    assert strategy.music == tmp_path / "hi.wav"


def test_hidden_and_other_files_are_left_alone(tmp_path: Path) -> None:
    folder = written(tmp_path, a=SMALL)
    (folder / ".hidden.yaml").write_text("nonsense: 1", encoding="utf-8")
    (folder / "notes.txt").write_text("nonsense", encoding="utf-8")
    assert set(load(folder, {}).agents) == {"anna"}
