"""Two stacks on a wire that loses, delays, repeats and overtakes: both must end, and agree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Cancelled, Ended, Event, Failed, Invited, Offered, Reoffered
from tests.kit.playbook import ANSWER, OFFER
from tests.kit.wire import FakeWire, Peer, Weather

A, B = "192.0.2.1", "192.0.2.2"
END = (Ended, Failed, Cancelled)


def answers(peer: Peer, event: Event) -> None:
    """A phone that rings and answers at once."""
    if isinstance(event, Invited):
        event.dialog.ring(peer.now)
        event.dialog.accept(ANSWER, peer.now)


def listens(peer: Peer, event: Event) -> None:
    """An engine that does nothing by itself."""


def place(caller: Peer) -> Dialog:
    """Call the other side."""
    return caller.stack.invite(
        f"sip:bob@{B}", flow=caller.wire.peers[B].flow, caller=f"<sip:a@{A}>", offer=OFFER, now=caller.now
    )


def joined(seed: int, weather: Weather) -> tuple[FakeWire, Peer, Peer]:
    """A caller and a phone."""
    wire = FakeWire(seed, weather)
    return wire, wire.peer(A, listens), wire.peer(B, answers)


def assert_nothing_left(*peers: Peer) -> None:
    for peer in peers:
        live = peer.stack.live
        assert (live.dialogs, live.clients, live.servers, live.timers) == (0, 0, 0, 0), (peer.host, live)


weathers = st.builds(
    Weather,
    loss=st.floats(0, 0.3),
    twice=st.floats(0, 0.3),
    delay=st.floats(0, 2),
)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    weather=weathers,
    hang_up_after=st.floats(0, 40),
    by_caller=st.booleans(),
)
def test_under_any_weather_both_sides_end_and_nothing_is_left(
    seed: int, weather: Weather, hang_up_after: float, by_caller: bool
) -> None:
    wire, caller, phone = joined(seed, weather)
    dialog = place(caller)
    wire.run(hang_up_after)
    if by_caller:
        dialog.hang_up(caller.now)
    else:
        for event in phone.told:
            if isinstance(event, Invited):
                event.dialog.hang_up(phone.now)
    wire.run(64)
    if not by_caller:  # the caller may have missed every BYE; a person would hang up then
        dialog.hang_up(caller.now)
    wire.run(300)
    assert_nothing_left(caller, phone)
    answered = [event for event in caller.told if isinstance(event, Answered)]
    failed = [event for event in caller.told if isinstance(event, Failed)]
    assert len(answered) + len(failed) == 1
    assert len([event for event in caller.told if isinstance(event, END)]) <= 1
    assert len([event for event in phone.told if isinstance(event, Invited)]) <= 1
    if answered:
        assert [event for event in phone.told if isinstance(event, Invited)]


def changes_early(peer: Peer, event: Event) -> None:
    """A phone that answers in a reliable 183, changes its mind before the 200, and answers changes."""
    if isinstance(event, Invited):
        event.dialog.ring(peer.now)
        event.dialog.progress(ANSWER, peer.now)
    elif isinstance(event, Reoffered):
        event.dialog.answer(ANSWER, peer.now)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), weather=weathers, accept_after=st.floats(0, 20), late=st.booleans())
def test_reliable_ringing_and_refreshes_under_any_weather(
    seed: int, weather: Weather, accept_after: float, late: bool
) -> None:
    """interop 1, 3 and 10: whatever is lost, both sides end, and nothing is left."""

    def calls(peer: Peer, event: Event) -> None:
        if isinstance(event, Offered):
            event.dialog.answer(OFFER, peer.now)

    wire = FakeWire(seed, weather, session_timer=(90, 90))
    caller, phone = wire.peer(A, calls), wire.peer(B, changes_early)
    dialog = caller.stack.invite(
        f"sip:bob@{B}",
        flow=phone.flow,
        caller=f"<sip:a@{A}>",
        offer=None if late else OFFER,
        headers=[("Require", "100rel")],
        now=caller.now,
    )
    wire.run(accept_after)
    called = [event.dialog for event in phone.told if isinstance(event, Invited)]
    for other in called:
        other.accept(ANSWER, phone.now)
    wire.run(400)
    dialog.hang_up(caller.now)
    for other in called:
        other.hang_up(phone.now)
    wire.run(300)
    assert_nothing_left(caller, phone)
    outcomes = [event for event in caller.told if isinstance(event, (Answered, Failed))]
    assert len(outcomes) == 1
    if weather.loss == 0 and isinstance(outcomes[0], Answered):
        assert not [event for event in caller.told if isinstance(event, Ended)]  # refreshed nine times over


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), weather=weathers)
def test_both_hang_up_at_once(seed: int, weather: Weather) -> None:
    wire, caller, phone = joined(seed, weather)
    dialog = place(caller)
    wire.run(20)
    for event in phone.told:
        if isinstance(event, Invited):
            event.dialog.hang_up(phone.now)
    dialog.hang_up(caller.now)
    wire.run(300)
    assert_nothing_left(caller, phone)


@pytest.mark.parametrize("crossing", range(200))
def test_interop_05_200_calls_cancelled_while_they_are_answered(crossing: int) -> None:
    """The CANCEL and the 200 pass each other at every distance; the caller is told once."""
    wire = FakeWire(crossing, Weather(delay=0.2))
    caller = wire.peer(A, listens)
    phone = wire.peer(B, answers)
    dialog = place(caller)
    wire.run(crossing * 0.003)
    dialog.cancel(caller.now)
    wire.run(300)
    outcomes = [event for event in caller.told if isinstance(event, (Answered, Failed))]
    assert len(outcomes) == 1
    assert dialog.state == "ended"
    assert_nothing_left(caller, phone)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), loss=st.floats(0, 0.3))
def test_both_change_the_media_at_once_and_agree_in_the_end(seed: int, loss: float) -> None:
    def also_reanswers(peer: Peer, event: Event) -> None:
        answers(peer, event)
        if isinstance(event, Reoffered):
            event.dialog.answer(ANSWER, peer.now)

    wire = FakeWire(seed, Weather())
    caller, phone = wire.peer(A, also_reanswers), wire.peer(B, also_reanswers)
    dialog = place(caller)
    wire.run(1)
    other = next(event.dialog for event in phone.told if isinstance(event, Invited))
    wire.weather = Weather(loss=loss, delay=0.3)
    dialog.reoffer(OFFER, caller.now)
    other.reoffer(OFFER, phone.now)
    wire.run(120)
    if dialog.state == other.state == "confirmed":
        assert (dialog.negotiation, other.negotiation) == ("stable", "stable")
    wire.weather = Weather()
    dialog.hang_up(caller.now)
    other.hang_up(phone.now)
    wire.run(300)
    assert_nothing_left(caller, phone)
