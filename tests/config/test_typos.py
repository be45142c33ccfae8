"""A wrong letter in any key is reported where it is, with the key that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.faults import Faults, Key, nearest
from config.load import loads
from config.settings import Settings
from config.walk import fields_of
from tests.config.deployments import CONFIG, ENVIRON, EXAMPLE, example, model_keys

TEXT = EXAMPLE.read_text(encoding="utf-8")
DOCUMENT = example()
KEYS = model_keys(DOCUMENT)


def mistyped(word: str, position: int, letter: str) -> str:
    """One letter put in, which leaves the rest to be recognised."""
    place = position % (len(word) + 1)
    return word[:place] + letter + word[place:]


def with_key(key: Key, typo: str) -> str:
    """The example with one key written otherwise."""
    mark = DOCUMENT.spots[key].key
    lines = TEXT.splitlines(keepends=True)
    line = lines[mark.line - 1]
    start = mark.column - 1
    lines[mark.line - 1] = line[:start] + typo + line[start + len(str(key[-1])) :]
    return "".join(lines)


def test_the_example_has_most_keys() -> None:
    assert len(KEYS) > 300
    assert {key[0] for key in KEYS} == set(fields_of(Settings))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(KEYS), st.integers(0, 30), st.sampled_from("xqz"))
def test_a_typo_is_found_where_it_is(key: Key, position: int, letter: str) -> None:
    typo = mistyped(str(key[-1]), position, letter)
    mark = DOCUMENT.spots[key].key
    with pytest.raises(Faults) as caught:
        loads(with_key(key, typo), ENVIRON, name="example.yaml", folder=CONFIG)
    [fault] = caught.value.items
    assert fault.mark == mark
    assert f'unknown key, nearest is "{key[-1]}"' in fault.message
    assert f'"{key[-1]}"' in fault.allowed or fault.allowed == key[-1]


def test_nearest_gives_up_on_the_far() -> None:
    assert nearest("waitng", ["waiting", "hours"]) == "waiting"
    assert nearest("zebra", ["waiting", "hours"]) is None
