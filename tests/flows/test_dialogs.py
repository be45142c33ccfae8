"""What the dialog layer knows reaches the legs and the stories: sessions that expire, reasons, keys by INFO, holds.

interop 2: phones that are called off because another one answered are told so.
interop 10: a phone that vanished is noticed.
interop 17: hold in all three forms.
interop 19: a phone that redirects to its own host is followed, one that redirects elsewhere is not.
"""

from __future__ import annotations

import pytest

from engine.facts import Phase, Reason
from engine.sip.dtmf_info import TYPES
from engine.sip.events import Cancelled, Event, Invited
from engine.sip.flow import Flow, Packet
from engine.sip.message import Request, parse
from engine.sip.offer import make_offer
from media.control import Digit
from tests.flows.conftest import Play
from tests.kit.centre import ENGINE, NUMBER, YAML, Centre
from tests.kit.network import Address
from tests.kit.phones import Phone, PhoneCall
from tests.kit.raw import SDP, RawPhone

SHORT = YAML.replace("domain: acme.test", "domain: acme.test, session_timer: {expires: 200s, min: 90s}")


async def talking(centre: Centre) -> tuple[PhoneCall, Phone]:
    anna = await centre.agent("anna")
    caller = centre.caller()
    await anna.rung.wait()
    await centre.wait(3)
    assert centre.phase() is Phase.TALKING
    return caller, anna


def watch(phone: Phone, seen: list[Event]) -> None:
    """Keep the events of a phone."""
    deliver = phone.driver.deliver

    def both(event: Event) -> None:
        seen.append(event)
        deliver(event)

    phone.driver.deliver = both


def requests(centre: Centre, method: str) -> list[Request]:
    """The requests of a method that are sent from now on, from whomever."""
    found: list[Request] = []
    lose = centre.network.lose

    def listen(source: Address, packet: Packet) -> bool:
        message = parse(packet.data, Flow("udp", *source))
        if isinstance(message, Request) and message.method == method:
            found.append(message)
        return lose(source, packet)

    centre.network.lose = listen
    return found


def vanish(centre: Centre, phone: Phone) -> None:
    """Nothing reaches it any more, and nothing comes from it."""
    lose = centre.network.lose
    centre.network.leave(phone.address)
    centre.network.lose = lambda source, packet: source == phone.address or lose(source, packet)


def test_interop_10_sessions_are_refreshed_as_long_as_both_are_there(play: Play) -> None:
    """interop 10"""

    async def story(centre: Centre) -> None:
        updates = requests(centre, "UPDATE")
        caller, _ = await talking(centre)
        await centre.wait(1000)
        assert centre.phase() is Phase.TALKING
        assert len(updates) >= 16  # both dialogs, every 100 s
        assert {request.get("session-expires") for request in updates} == {"200;refresher=uac"}
        caller.hang_up()
        await centre.wait(1)
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story, yaml=SHORT)


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_interop_10_a_phone_that_vanishes_ends_the_talk(play: Play, who: str) -> None:
    """interop 10: the caller refreshes and forgets to; the agent's phone is refreshed by us and is silent."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        gone = caller.phone if who == "customer" else anna
        conversation = centre.conversation
        byes = requests(centre, "BYE")
        vanish(centre, gone)
        await centre.wait(200)
        assert centre.ends() == {Reason.LOST: 1}
        assert conversation.end is not None
        assert conversation.end.by == who
        if who == "customer":
            assert any(bye.get("reason").startswith("SIP;cause=408") for bye in byes)

    play(story, yaml=SHORT)


def test_interop_10_a_waiting_caller_who_vanishes_is_lost(play: Play) -> None:
    """interop 10"""

    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await caller.until("answered")
        vanish(centre, caller.phone)
        await centre.wait(200)
        assert centre.ends() == {Reason.LOST: 1}

    play(story, yaml=SHORT)


def test_the_reason_of_a_bye_is_kept(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller, _ = await talking(centre)
        conversation = centre.conversation
        with caller.phone.driver.turn() as now:
            caller.dialog.hang_up(now, [("Reason", 'Q.850;cause=16;text="Normal call clearing"')])
        await centre.wait(1)
        assert conversation.end is not None
        assert conversation.end.detail == "Q.850 16 Normal call clearing"

    play(story)


def test_interop_02_the_phones_that_did_not_win_are_told_that_another_one_did(play: Play) -> None:
    """interop 2"""

    async def story(centre: Centre) -> None:
        quick = await centre.agent("anna", answer_after=2)
        slow = await centre.agent("anna", answer_after=20)
        seen: list[Event] = []
        watch(slow, seen)
        caller = centre.caller()
        await caller.until("answered")
        await quick.rung.wait()
        await slow.calls[0].until("cancelled")
        (cancelled,) = (event for event in seen if isinstance(event, Cancelled))
        assert cancelled.request is not None
        assert cancelled.request.get("reason") == 'SIP;cause=200;text="Call completed elsewhere"'
        caller.hang_up()
        await centre.wait(1)

    play(story)


def test_phones_that_ring_out_are_not_told_so(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        seen: list[Event] = []
        watch(anna, seen)
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(31)
        (cancelled, *_) = (event for event in seen if isinstance(event, Cancelled))
        assert cancelled.request is not None
        assert "reason" not in cancelled.request.headers
        caller.hang_up()
        await centre.wait(1)

    play(story)


@pytest.mark.parametrize("kind", TYPES)
def test_keys_by_info_are_heard_once(play: Play, kind: str) -> None:
    async def story(centre: Centre) -> None:
        caller, _ = await talking(centre)
        heard: list[Digit] = []
        leg = next(leg for leg in centre.conversation.legs if leg.party.role == "customer")
        leg.on_digit = heard.append
        body = b"5" if kind.endswith("dtmf") else b"Signal=5\r\nDuration=200\r\n"
        for _ in range(2):
            with caller.phone.driver.turn():
                caller.dialog.send("INFO", lambda response: None, f"Content-Type: {kind}\r\n", body)
            await centre.wait(0.1)
            row = centre.row_of("customer")
            row.on_event(Digit(row.ref, "5", 200))  # the same press, in the sound
            await centre.wait(0.3)
        row.on_event(Digit(row.ref, "#", 80))
        assert [digit.key for digit in heard] == ["5", "5", "#"]
        caller.hang_up()
        await centre.wait(1)

    play(story)


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        (b"a=sendrecv", b"a=sendonly"),
        (b"a=sendrecv", b"a=inactive"),
        (b"c=IN IP4 127.0.0.2", b"c=IN IP4 0.0.0.0"),
    ],
)
def test_interop_17_who_holds_is_sent_nothing_and_a_resume_is_heard(
    play: Play, line: bytes, becomes: bytes
) -> None:
    """interop 17"""

    async def story(centre: Centre) -> None:
        caller, _ = await talking(centre)
        row, plain = centre.row_of("customer"), make_offer(caller.phone.media)
        assert line in plain
        for sdp, sends in ((plain.replace(line, becomes), False), (plain, True)):
            with caller.phone.driver.turn() as now:
                caller.dialog.reoffer(sdp, now)
            await centre.wait(0.5)
            assert (row.streams[-1].sends, caller.news[-1]) == (sends, "reanswered")
        caller.hang_up()
        await centre.wait(1)

    play(story)


def test_a_caller_who_requires_100rel_and_brings_no_offer_is_answered(play: Play) -> None:
    """interop 1: our offer stands in the reliable 180, the answer in the PRACK."""

    async def story(centre: Centre) -> None:
        pracks = requests(centre, "PRACK")
        anna = await centre.agent("anna")
        trunk = centre.trunk()
        with trunk.driver.turn() as now:
            dialog = trunk.driver.stack.invite(
                f"sip:{NUMBER}@cordboard.invalid",
                flow=Flow("udp", *ENGINE),
                caller="<sip:+447700900123@127.0.0.2>",
                offer=None,
                headers=[("Require", "100rel")],
                now=now,
            )
        call = PhoneCall(trunk, dialog)
        trunk.calls.append(call)
        await call.until("offered")
        with trunk.driver.turn() as now:
            dialog.answer(SDP.encode(), now)
        await anna.rung.wait()
        await centre.wait(3)
        assert centre.phase() is Phase.TALKING
        assert [prack.body for prack in pracks] == [SDP.encode()]
        assert centre.row_of("customer").streams[-1].port == 40000
        call.hang_up()
        await centre.wait(1)

    play(story)


class Redirecting(Phone):
    """Answers every call with a 302."""

    contact = ""

    def _deliver(self, event: Event) -> None:
        if isinstance(event, Invited) and event.dialog.called == self.user:
            with self.driver.turn() as now:
                event.dialog.refuse(302, now, headers=[("Contact", self.contact)])
            return
        super()._deliver(event)


@pytest.mark.parametrize(("host", "rings"), [("127.0.1.10", True), ("127.0.0.2", False)])
def test_interop_19_a_phone_redirects_to_its_own_host_only(play: Play, host: str, rings: bool) -> None:
    """interop 19"""

    async def story(centre: Centre) -> None:
        phone = Redirecting(centre.network, ("127.0.1.10", 5060), "anna", centre.clock)
        phone.contact = f"<sip:desk@{host}:5060>"
        centre.phones.append(phone)
        assert await phone.register(ENGINE, "acme.test", "pw-anna") == 200
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(10)
        assert (centre.phase() is Phase.TALKING, phone.rung.is_set()) == (rings, rings)
        caller.hang_up()
        await centre.wait(1)

    play(story)


def test_a_late_offer_that_is_never_answered_is_no_call(play: Play) -> None:
    """interop 1"""

    async def story(centre: Centre) -> None:
        caller = RawPhone(centre.network, ("127.0.0.2", 5081), ENGINE)
        caller.invite(NUMBER, sdp="")
        await centre.wait(5)
        assert any(line.startswith("BYE") for line in caller.got)

    play(story)
