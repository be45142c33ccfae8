"""What phones and the load generator are tested with: a registrar, and a B2BUA that leaves media alone."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from engine.facts import Clock
from engine.sip.dialog import Dialog
from engine.sip.events import Answered, Cancelled, Ended, Event, Failed, Invited
from engine.sip.stack import Stack
from engine.transports.driver import Driver
from engine.transports.udp import Udp, bind_udp

HOST = "127.0.0.1"
DOMAIN = "acme.test"


class Exchange:
    """Registers agents, and connects each call to a free one. `crossed` mixes up two calls' audio."""

    domain = DOMAIN

    def __init__(self, passwords: Mapping[str, str], crossed: bool = False) -> None:
        sock = bind_udp(HOST, 0)
        self.address: tuple[str, int] = sock.getsockname()[:2]
        self._passwords = passwords
        self._crossed = crossed
        self._others: dict[Dialog, Dialog] = {}
        self._answered: list[tuple[Dialog, bytes]] = []
        stack = Stack(
            authority=self,
            local={"udp": self.address},
            token=lambda: secrets.token_hex(8),
            key=secrets.token_bytes(16),
        )
        self.driver = Driver(stack, Clock(time.monotonic, time.time))
        self.driver.deliver = self._deliver
        self.driver.attach("udp", Udp(sock, self.driver))

    def trunk_at(self, host: str) -> str | None:
        return "carrier"

    def secret_of(self, user: str) -> str | None:
        return self._passwords.get(user)

    def registered(self, user: str) -> bool:
        return bool(self.driver.stack.registrar.contacts(user, time.monotonic()))

    def _deliver(self, event: Event) -> None:
        with self.driver.turn() as now:
            match event:
                case Invited(dialog=caller, offer=offer):
                    assert offer is not None
                    caller.ring(now)
                    self._connect(caller, offer, now)
                case Answered(dialog=callee, sdp=sdp):
                    assert sdp is not None
                    self._accept(self._others[callee], sdp, now)
                case Failed(dialog=callee, code=code):
                    self._others.pop(self._others.pop(callee)).refuse(code, now)
                case Ended(dialog=dialog) | Cancelled(dialog=dialog):
                    self._others[dialog].hang_up(now)

    def _connect(self, caller: Dialog, offer: bytes, now: float) -> None:
        agent = next(user for user in self._passwords if user not in {one.called for one in self._others})
        binding = self.driver.stack.registrar.contacts(agent, now)[0]
        callee = self.driver.stack.invite(
            binding.uri, flow=binding.flow, caller=f"<{caller.remote_uri}>", offer=offer, now=now
        )
        self._others[callee], self._others[caller] = caller, callee

    def _accept(self, caller: Dialog, sdp: bytes, now: float) -> None:
        self._answered.append((caller, sdp))
        if self._crossed and len(self._answered) % 2:
            return
        pair, self._answered = self._answered, []
        descriptions = [sdp for _, sdp in pair]
        for (dialog, _), description in zip(pair, descriptions[::-1], strict=True):
            dialog.accept(description, now)


@asynccontextmanager
async def exchange(passwords: Mapping[str, str], crossed: bool = False) -> AsyncIterator[Exchange]:
    there = Exchange(passwords, crossed)
    try:
        yield there
    finally:
        there.driver.close()
        await asyncio.sleep(0)
