"""Scripted parties for flows in virtual time: real SIP stacks on a network in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from engine.facts import Clock
from engine.sip.auth import Credentials
from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Cancelled, Ended, Event, Failed, Invited, Responded, Ringing
from engine.sip.flow import Flow
from engine.sip.offer import LocalMedia, answer, make_offer
from engine.sip.stack import Stack
from engine.transports.driver import Driver
from tests.kit.network import Address, Network


class Anybody:
    """A phone takes calls from anywhere."""

    domain = "phone.invalid"

    def trunk_at(self, host: str) -> str | None:
        return "anywhere"

    def secret_of(self, user: str) -> str | None:
        return None


@dataclass(eq=False)
class PhoneCall:
    """One call of a phone, either way."""

    phone: Phone
    dialog: Dialog
    news: list[str] = field(default_factory=list)
    """What the far end did, in order: ringing, answered, failed 486, cancelled, ended."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, word: str) -> None:
        self.news.append(word)
        self.changed.set()

    async def until(self, word: str, within: float = 300.0) -> None:
        """Wait until the far end did that."""
        async with asyncio.timeout(within):
            while word not in self.news:
                self.changed.clear()
                await self.changed.wait()

    def answer(self) -> None:
        assert self.dialog.remote_sdp is not None
        answered = answer(self.dialog.remote_sdp, self.phone.media)
        with self.phone.driver.turn() as now:
            self.dialog.accept(answered.sdp, now)

    def refer(self, to: str) -> None:
        with self.phone.driver.turn() as now:
            self.dialog.refer(to, now)

    def hang_up(self) -> None:
        with self.phone.driver.turn() as now:
            self.dialog.hang_up(now)


class Phone:
    """Rings for `answer_after` seconds and answers; with None it rings on; `refuses` turns every call away."""

    def __init__(
        self,
        network: Network,
        address: Address,
        user: str,
        clock: Clock,
        *,
        answer_after: float | None = 2.0,
        refuses: int | None = None,
        caller: str | None = None,
    ) -> None:
        numbers = count()
        self.user = user
        self.address = address
        self.media = LocalMedia(address[0], 40000)
        self.answer_after = answer_after
        self.refuses = refuses
        self.calls: list[PhoneCall] = []
        self.rung = asyncio.Event()
        self._identity = caller or f"<sip:{user}@{address[0]}>"
        stack = Stack(
            authority=Anybody(),
            local={"udp": address},
            token=lambda: f"{user}{next(numbers)}",
            key=b"phone",
        )
        self.driver = Driver(stack, clock)
        self.driver.deliver = self._deliver
        self._responses: dict[object, asyncio.Future[int | None]] = {}
        network.join(self.driver, address)

    async def register(
        self, registrar: Address, domain: str, password: str, expires: int = 3600
    ) -> int | None:
        """REGISTER once; gives the final status, None for a time-out."""
        with self.driver.turn() as now:
            request = self.driver.stack.request(
                "REGISTER",
                f"sip:{domain}",
                flow=Flow("udp", *registrar),
                caller=f"<sip:{self.user}@{domain}>",
                to=f"<sip:{self.user}@{domain}>",
                headers=[
                    ("Contact", f"<sip:{self.user}@{self.address[0]}:{self.address[1]}>"),
                    ("Expires", str(expires)),
                ],
                credentials=Credentials(self.user, password),
                now=now,
            )
        self._responses[request] = asyncio.get_running_loop().create_future()
        return await self._responses[request]

    def call(
        self,
        number: str,
        target: Address,
        domain: str = "cordboard.invalid",
        *,
        headers: Sequence[tuple[str, str]] = (),
        password: str | None = None,
    ) -> PhoneCall:
        """Call a number; with a password, as the agent of that domain."""
        with self.driver.turn() as now:
            dialog = self.driver.stack.invite(
                f"sip:{number}@{domain}",
                flow=Flow("udp", *target),
                caller=f"<sip:{self.user}@{domain}>" if password else self._identity,
                offer=make_offer(self.media),
                headers=headers,
                credentials=Credentials(self.user, password) if password else None,
                now=now,
            )
        call = PhoneCall(self, dialog)
        self.calls.append(call)
        return call

    def _deliver(self, event: Event) -> None:
        match event:
            case Responded(request, response):
                self._responses.pop(request).set_result(response.code if response is not None else None)
            case Invited():
                self._invited(event)
            case _:
                dialog = getattr(event, "dialog", None)
                for call in self.calls:
                    if call.dialog is dialog:
                        call.told(self._word(event))

    def _invited(self, event: Invited) -> None:
        call = PhoneCall(self, event.dialog)
        self.calls.append(call)
        with self.driver.turn() as now:
            if self.refuses is not None:
                event.dialog.refuse(self.refuses, now)
            else:
                event.dialog.ring(now)
        self.rung.set()
        if self.refuses is None and self.answer_after is not None:
            asyncio.get_running_loop().call_later(self.answer_after, self._answer, call)

    def _answer(self, call: PhoneCall) -> None:
        if "cancelled" not in call.news:
            call.answer()

    def _word(self, event: Event) -> str:
        match event:
            case Ringing():
                return "ringing"
            case Answered():
                return "answered"
            case Failed():
                return f"failed {event.code}"
            case Cancelled():
                return "cancelled"
            case Ended():
                return "ended"
            case _:
                return type(event).__name__.lower()
