"""Which test proves what of the lines about dialogs, so that `grep -rn "interop 10" tests` finds it.

interop 1: tests/sip/test_races.py, test_prack.py, test_wire.py; tests/flows/test_dialogs.py; tests/wire/test_dialogs.py
interop 2: tests/sip/test_races.py, test_prack.py, test_reason.py; tests/flows/test_dialogs.py
interop 3: tests/sip/test_races.py, test_prack.py; tests/wire/test_dialogs.py
interop 4: tests/sip/test_races.py, test_update.py
interop 5: tests/sip/test_races.py, test_wire.py
interop 6: tests/sip/test_races.py
interop 7: tests/sip/test_races.py
interop 8: tests/sip/test_races.py
interop 9: tests/sip/test_digest_client.py, test_redirects.py, test_register.py
interop 10: tests/sip/test_session_timer.py, test_wire.py; tests/flows/test_dialogs.py; tests/wire/test_dialogs.py
interop 11: tests/sip/test_transfer.py
interop 17: tests/sip/test_offer.py, test_update.py; tests/flows/test_dialogs.py; tests/wire/test_dialogs.py
interop 18: tests/sip/test_admission.py
interop 19: tests/sip/test_redirects.py; tests/flows/test_dialogs.py
interop 20: tests/sip/test_register.py
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
ROWS = re.findall(r"^interop (\d+): (.+)$", __doc__ or "", re.MULTILINE)


@pytest.mark.parametrize(("line", "files"), ROWS)
def test_every_file_of_the_table_proves_its_line(line: str, files: str) -> None:
    folder = ""
    for name in re.split(r"[,;] ", files):
        folder = name.rpartition("/")[0] or folder
        text = (TESTS.parent / folder / name.rpartition("/")[2]).read_text()
        proven = rf"def test_interop_{int(line):02}_|interop (?:\d+(?:, | and ))*{line}\b|interop lines? .*\b{line}\b"
        assert re.search(proven, text), f"{folder}: {name} does not name interop {line}"


def test_the_table_has_every_line_about_dialogs() -> None:
    assert [int(line) for line, _ in ROWS] == [*range(1, 12), *range(17, 21)]
