"""`cordboard check`, and what `run` refuses, as somebody at a terminal sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.config.deployments import ENVIRON, EXAMPLE
from tests.kit.daemon import cordboard
from tests.kit.deployment import Deployment

FAULTY = """\
organisation: {name: Test}
sip:
  listen: ["udp://127.0.0.1:5060"]
  domain: acme.test
  digset: [MD5]
numbers:
  "+442071230001": {use: shared, trunk: nowhere, inbound: true, name: Support}
agents:
  anna: {name: Anna, password: pw-anna, queues: [suport]}
queues:
  support: {assignment: cleverest}
calls:
  ring: {agent: 25h}
"""
AT = re.compile(r"^(?P<file>[^:]+):(?P<line>[0-9]+):(?P<column>[0-9]+): .+; .+$")


async def said(
    *words: str | Path, folder: Path, code: int, environment: Mapping[str, str] | None = None
) -> list[str]:
    """What a command prints that must end with this exit code."""
    async with cordboard(*words, cwd=folder, environment=environment) as program:
        assert await program.ended(within=15) == code, program.silent("has another exit code")
        return program.lines


async def test_check_names_every_fault_with_its_place_in_one_pass(tmp_path: Path) -> None:
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    lines = await said("check", "-c", "faulty.yaml", folder=tmp_path, code=1)
    found = [match for line in lines if (match := AT.match(line))]
    assert len(found) == len(lines), lines
    assert {match["file"] for match in found} == {"faulty.yaml"}
    places = {int(match["line"]): match[0] for match in found}
    for line, words in {5: "digest", 7: "nowhere", 9: "suport", 11: "longest_idle", 13: "25h"}.items():
        assert words in places[line], lines


async def test_check_takes_the_whole_example(tmp_path: Path) -> None:
    (line,) = await said("check", "-c", EXAMPLE, folder=tmp_path, code=0, environment=ENVIRON)
    assert line.endswith("nothing wrong")


@pytest.mark.parametrize("verb", ["check", "run"])
async def test_a_file_that_is_not_there_is_a_fault(verb: str, tmp_path: Path) -> None:
    (line,) = await said(verb, "-c", "nowhere.yaml", folder=tmp_path, code=1)
    assert "nowhere.yaml" in line


async def test_a_command_that_is_wrong_says_how_it_is_used(tmp_path: Path) -> None:
    lines = await said("run", folder=tmp_path, code=2)
    assert any("--config" in line for line in lines)


async def test_run_refuses_greetings_that_would_have_to_be_spoken(tmp_path: Path) -> None:
    path = Deployment().write(tmp_path)
    sections = json.loads(path.read_text())
    sections["waiting_strategies"]["patient"]["greeting"] = {"say": "Welcome."}
    path.write_text(json.dumps(sections, indent=1))
    (line,) = await said("run", "-c", path.name, folder=tmp_path, code=1)
    found = AT.match(line)
    assert found is not None, line
    assert path.read_text().splitlines()[int(found["line"]) - 1].strip().startswith('"greeting"')
    assert "text-to-speech" in line
    assert "audio" in line
