"""Whatever stands in the place of a value, the answer is settings or faults, never another error."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.check import checked
from config.documents import Document
from config.faults import Faults, Key, Mark
from config.load import Surroundings
from config.settings import Settings
from tests.config.deployments import CONFIG, ENVIRON, example

DOCUMENT = example()
PLACES = list(DOCUMENT.spots)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["end", "auto", "builtin:x", "\0", "24h", "+44*", "udp://[::1]", "08:00-07:00", "{wait:minutes}"]
    ),
)
NAMES = st.sampled_from(
    ["env", "file", "say", "audio", "queue", "external", "direction", "type", "sftp", "x"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def put(tree: dict[str, Any], key: Key, value: Any) -> None:
    place: Any = tree
    for part in key[:-1]:
        place = place[part]
    place[key[-1]] = value


def judged(document: Document) -> Settings | Faults:
    try:
        return checked(document, Surroundings(CONFIG, ENVIRON), Mark("example.yaml", 1, 1))
    except Faults as faults:
        return faults


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_any_value_anywhere(key: Key, value: Any) -> None:
    tree = deepcopy(DOCUMENT.tree)
    put(tree, key, value)
    answer = judged(Document(tree, DOCUMENT.spots))
    if isinstance(answer, Faults):
        assert answer.items
        assert all(fault.line >= 1 and fault.message and fault.allowed for fault in answer.items)
        assert not any(secret in str(answer) for secret in ENVIRON.values())
    else:
        assert set(answer.queues) <= set(tree.get("queues", {}))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PLACES))
def test_anything_left_out(key: Key) -> None:
    tree = deepcopy(DOCUMENT.tree)
    place: Any = tree
    for part in key[:-1]:
        place = place[part]
    del place[key[-1]]
    answer = judged(Document(tree, DOCUMENT.spots))
    assert isinstance(answer, Settings) or answer.items
