"""Every row of the protocol tables, legal and illegal, and the timers that drive them."""

from __future__ import annotations

import pytest

from engine.sip import negotiation as n
from engine.sip import transitions as t
from engine.sip.dialog_states import DIALOG
from engine.sip.errors import IllegalTransition
from engine.sip.negotiation import NEGOTIATION, next_state
from engine.sip.server import InviteServer, OtherServer
from engine.sip.transaction import InviteClient, OtherClient, Transaction

KINDS: dict[str, type[Transaction]] = {
    "INVITE client": InviteClient,
    "non-INVITE client": OtherClient,
    "INVITE server": InviteServer,
    "non-INVITE server": OtherServer,
}
# What RFC 3261 section 17 and RFC 6026 allow, written down once more and independently of the tables:
# machine, state, event -> next state.
LEGAL = """
INVITE client     | calling    | timer A         | calling
INVITE client     | calling    | timer B         | terminated
INVITE client     | calling    | 1xx             | proceeding
INVITE client     | calling    | 2xx             | accepted
INVITE client     | calling    | 300-699         | completed
INVITE client     | calling    | transport error | terminated
INVITE client     | proceeding | timer B         | terminated
INVITE client     | proceeding | 1xx             | proceeding
INVITE client     | proceeding | 2xx             | accepted
INVITE client     | proceeding | 300-699         | completed
INVITE client     | proceeding | transport error | terminated
INVITE client     | accepted   | timer M         | terminated
INVITE client     | accepted   | 1xx             | accepted
INVITE client     | accepted   | 2xx             | accepted
INVITE client     | accepted   | 300-699         | accepted
INVITE client     | completed  | timer D         | terminated
INVITE client     | completed  | 1xx             | completed
INVITE client     | completed  | 2xx             | completed
INVITE client     | completed  | 300-699         | completed
INVITE client     | completed  | transport error | terminated
non-INVITE client | trying     | timer E         | trying
non-INVITE client | trying     | timer F         | terminated
non-INVITE client | trying     | 1xx             | proceeding
non-INVITE client | trying     | 200-699         | completed
non-INVITE client | trying     | transport error | terminated
non-INVITE client | proceeding | timer E         | proceeding
non-INVITE client | proceeding | timer F         | terminated
non-INVITE client | proceeding | 1xx             | proceeding
non-INVITE client | proceeding | 200-699         | completed
non-INVITE client | proceeding | transport error | terminated
non-INVITE client | completed  | timer K         | terminated
non-INVITE client | completed  | 1xx             | completed
non-INVITE client | completed  | 200-699         | completed
INVITE server     | proceeding | request again   | proceeding
INVITE server     | proceeding | ACK             | proceeding
INVITE server     | proceeding | send 1xx        | proceeding
INVITE server     | proceeding | send 2xx        | accepted
INVITE server     | proceeding | send 300-699    | completed
INVITE server     | accepted   | request again   | accepted
INVITE server     | accepted   | ACK             | accepted
INVITE server     | accepted   | send 2xx        | accepted
INVITE server     | accepted   | timer L         | terminated
INVITE server     | completed  | request again   | completed
INVITE server     | completed  | ACK             | confirmed
INVITE server     | completed  | timer G         | completed
INVITE server     | completed  | timer H         | terminated
INVITE server     | confirmed  | request again   | confirmed
INVITE server     | confirmed  | ACK             | confirmed
INVITE server     | confirmed  | timer I         | terminated
non-INVITE server | trying     | request again   | trying
non-INVITE server | trying     | send 1xx        | proceeding
non-INVITE server | trying     | send 200-699    | completed
non-INVITE server | proceeding | request again   | proceeding
non-INVITE server | proceeding | send 1xx        | proceeding
non-INVITE server | proceeding | send 200-699    | completed
non-INVITE server | completed  | request again   | completed
non-INVITE server | completed  | send 200-699    | completed
non-INVITE server | completed  | timer J         | terminated
"""
ROWS = {
    (machine, state, event): after
    for machine, state, event, after in (
        tuple(cell.strip() for cell in line.split("|")) for line in LEGAL.strip().splitlines()
    )
}
EVENTS = sorted({event for table in t.TABLES.values() for row in table.values() for event in row})
CASES = [
    (machine, state, event)
    for machine, table in t.TABLES.items()
    for state in [*table, t.TERMINATED]
    for event in EVENTS
]


def bare(machine: str, state: str) -> Transaction:
    """A transaction in a state, whose actions do nothing: the table alone is looked at."""
    kind = KINDS[machine]
    rows = {
        of: {event: (lambda *_: None, after) for event, (_, after) in row.items()}
        for of, row in kind.rows.items()
    }
    transaction: object = object.__new__(type("Bare", (kind,), {"rows": rows}))
    assert isinstance(transaction, kind)
    transaction.state = state
    return transaction


@pytest.mark.parametrize(("machine", "state", "event"), CASES)
def test_each_event_in_each_state(machine: str, state: str, event: str) -> None:
    transaction = bare(machine, state)
    after = ROWS.get((machine, state, event))
    if after is None:
        with pytest.raises(IllegalTransition, match=event) as caught:
            transaction.step(event)
        assert (caught.value.table, caught.value.state) == (machine, state)
        assert transaction.state == state
    else:
        transaction.step(event)
        assert transaction.state == after


def test_the_list_above_is_whole() -> None:
    rows = {(m, s, e) for m, table in t.TABLES.items() for s, row in table.items() for e in row}
    assert rows == set(ROWS)


def test_each_action_is_a_method_of_its_machine() -> None:
    for machine, table in t.TABLES.items():
        for row in table.values():
            for action, _ in row.values():
                assert callable(getattr(KINDS[machine], action))


def test_what_the_network_brings_is_never_illegal() -> None:
    heard = {
        "INVITE client": {t.PROVISIONAL, t.SUCCESS, t.FAILURE},
        "non-INVITE client": {t.PROVISIONAL, t.FINAL},
        "INVITE server": {t.REQUEST, t.ACK},
        "non-INVITE server": {t.REQUEST},
    }
    for machine, table in t.TABLES.items():
        for state, row in table.items():
            assert heard[machine] <= set(row), (machine, state)


NEGOTIATED = {  # state, operation -> next: RFC 3264 and 6337
    ("stable", "send offer"): "have local offer",
    ("stable", "receive offer"): "have remote offer",
    ("stable", "roll back"): "stable",
    ("have local offer", "receive answer"): "stable",
    ("have local offer", "receive preview"): "have remote preview",
    ("have local offer", "roll back"): "stable",
    ("have remote preview", "receive preview"): "have remote preview",
    ("have remote preview", "receive answer"): "stable",
    ("have remote preview", "roll back"): "stable",
    ("have remote offer", "send answer"): "stable",
    ("have remote offer", "send preview"): "have local preview",
    ("have remote offer", "roll back"): "stable",
    ("have local preview", "send preview"): "have local preview",
    ("have local preview", "send answer"): "stable",
    ("have local preview", "roll back"): "stable",
}


@pytest.mark.parametrize("state", list(NEGOTIATION))
@pytest.mark.parametrize("operation", sorted({op for row in NEGOTIATION.values() for op in row}))
def test_each_operation_in_each_signalling_state(state: str, operation: str) -> None:
    after = NEGOTIATED.get((state, operation))
    if after is None:
        with pytest.raises(IllegalTransition, match=operation):
            next_state(state, operation)
    else:
        assert next_state(state, operation) == after


def test_a_dialog_that_ended_lets_every_wish_pass() -> None:
    wishes = {step for row in DIALOG.values() for step in row}
    assert dict.fromkeys(wishes, "ended") == DIALOG["ended"]
    for row in DIALOG.values():
        assert set(row.values()) <= set(DIALOG)
        assert "hang up" in row


# RFC 6337 sections 3.1.1 and 5, once more and independently of the tables: message, signalling state -> operation.
CARRIES = """
theirs | 18x          | have local offer    | receive preview
theirs | 18x          | have remote preview | receive preview
theirs | reliable 18x | have local offer    | receive answer
theirs | reliable 18x | have remote preview | receive answer
theirs | 2xx          | have local offer    | receive answer
theirs | 2xx          | have remote preview | receive answer
late   | reliable 18x | stable              | receive offer
late   | 2xx          | stable              | receive offer
ours   | 18x          | have remote offer   | send preview
ours   | 18x          | have local preview  | send preview
ours   | reliable 18x | have remote offer   | send answer
ours   | reliable 18x | have local preview  | send answer
ours   | reliable 18x | stable              | send offer
ours   | 2xx          | have remote offer   | send answer
ours   | 2xx          | have local preview  | send answer
ours   | 2xx          | stable              | send offer
"""


def test_what_sdp_in_a_response_is() -> None:
    rows = [[cell.strip() for cell in line.split("|")] for line in CARRIES.strip().splitlines()]
    tables = {"theirs": n.CARRIED, "late": n.LATE, "ours": n.SENT}
    assert {(who, *key): value for who, table in tables.items() for key, value in table.items()} == {
        (who, message, state): operation for who, message, state, operation in rows
    }
    for table in tables.values():
        for (_, state), operation in table.items():
            next_state(state, operation)  # is a row of the table of states


def test_sdp_where_none_may_stand_is_our_own_fault() -> None:
    for message, state in ((n.UNRELIABLE, n.STABLE), (n.RELIABLE, n.LOCAL_OFFER), (n.SUCCESS, n.LOCAL_OFFER)):
        with pytest.raises(IllegalTransition, match="SDP"):
            n.sent_in(message, state)


def test_every_state_but_stable_is_a_glare() -> None:
    assert set(n.GLARE) == set(NEGOTIATION) - {n.STABLE}
    assert {state for state, code in n.GLARE.items() if code == 491} == {n.LOCAL_OFFER, n.REMOTE_PREVIEW}
