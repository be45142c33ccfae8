"""A scripted phone: one address of record, one UDP port, any number of calls."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from engine.facts import Clock
from engine.sip.auth import Credentials
from engine.sip.dialog import Dialog
from engine.sip.events import Event, Invited, Responded
from engine.sip.flow import Flow
from engine.sip.message import Request
from engine.sip.stack import Stack
from engine.transports.driver import Driver
from engine.transports.listening import machine_locator
from engine.transports.udp import Udp, bind_udp
from tools.softphone.call import Call
from tools.softphone.voice import Voice

Address = tuple[str, int]
EXPIRES = 300
"""Seconds we ask a registration to hold; it is renewed at half of what was asked."""
RETRY = 10.0
"""Seconds after a renewal that failed until the next attempt."""
FAREWELL = 2.0
"""Seconds of `farewell` unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who a phone is to a registrar."""

    domain: str
    password: str
    registrar: Address


WHY = {
    None: "there is no answer; is Cordboard at that address?",
    401: "401, no agent has this name and password",
    403: "403, the domain is not the sip.domain of the deployment, or it is not this agent's to use",
}
"""What a person may want to look at, by the response to a REGISTER."""


class NotRegistered(Exception):
    """The registrar refused, or did not answer (code None)."""

    def __init__(self, account: Account, user: str, code: int | None) -> None:
        host, port = account.registrar
        super().__init__(
            f"{user}@{account.domain} is not registered at {host}:{port}: {WHY.get(code, str(code))}"
        )
        self.code = code


class _Anybody:
    """A phone takes calls from anywhere, and challenges nobody."""

    domain = "softphone.invalid"

    def trunk_at(self, host: str) -> str | None:
        return "anywhere"

    def secret_of(self, user: str) -> str | None:
        return None


class Phone:
    """Enter it as an asynchronous context; leaving it ends its calls and its registration."""

    def __init__(
        self,
        user: str,
        account: Account | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        codecs: tuple[str, ...] = ("PCMU", "PCMA"),
        on_call: Callable[[Call], None] | None = None,
        farewell: float = FAREWELL,
    ) -> None:
        """`host` and `port` are its own address, port 0 any free one. `on_call` is given each call that comes
        in; without it they are kept for `called`. `farewell` is how many seconds it waits, once it is closed, for
        the answers to its last requests.
        """
        self.user = user
        self.account = account
        self.codecs = codecs
        self.address: Address = (host, port)
        self.calls: list[Call] = []
        """All of them, oldest first, those that are over too."""
        self._on_call = on_call
        self._farewell = farewell
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._by_dialog: dict[Dialog, Call] = {}
        self._responses: dict[Request, asyncio.Future[int | None]] = {}
        self._call_id = secrets.token_hex(12)
        self._sequence = 1
        self._renewal: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Phone:
        """Raises OSError when its address cannot be had."""
        sock = bind_udp(*self.address)
        self.address = sock.getsockname()[:2]
        clock = Clock(time.monotonic, time.time)
        stack = Stack(
            authority=_Anybody(),
            local={"udp": self.address},
            token=lambda: secrets.token_hex(8),
            key=secrets.token_bytes(16),
            user_agent="Cordboard softphone",
        )
        self.driver = Driver(stack, clock, machine_locator(("udp",)))
        self.driver.deliver = self._deliver
        self.driver.attach("udp", Udp(sock, self.driver))
        return self

    async def __aexit__(self, *fault: object) -> None:
        for call in tuple(self._by_dialog.values()):
            call.hang_up()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._farewell):
                    await self._say_goodbye()
        finally:
            for response in self._responses.values():
                response.cancel()
            self.driver.close()

    async def _say_goodbye(self) -> None:
        """Unregister, and hear the answer to the last BYE."""
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(NotRegistered):
                await self._register(0)
        await self.driver.quiet()

    # -- registration

    async def register(self, expires: int = EXPIRES) -> None:
        """Register now, and again at half time until the phone is closed. Raises NotRegistered."""
        await self._register(expires)
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(expires))

    async def _renew(self, expires: int) -> None:
        wait = expires / 2
        while True:
            await asyncio.sleep(wait)
            try:
                await self._register(expires)
                wait = expires / 2
            except NotRegistered:
                wait = RETRY

    async def _register(self, expires: int) -> None:
        account = self.account
        if account is None:
            raise ValueError(f"{self.user} has no account to register with")
        identity = f"<sip:{self.user}@{account.domain}>"
        with self.driver.turn() as now:
            request = self.driver.stack.request(
                "REGISTER",
                f"sip:{account.domain}",
                flow=Flow("udp", *account.registrar),
                caller=identity,
                to=identity,
                headers=[
                    ("Contact", f"<sip:{self.user}@{self.address[0]}:{self.address[1]}>"),
                    ("Expires", str(expires)),
                ],
                credentials=Credentials(self.user, account.password),
                call_id=self._call_id,
                cseq=self._sequence,
                now=now,
            )
        self._sequence += 4  # an answered challenge, and a stale one, use up two
        response = self._responses[request] = asyncio.get_running_loop().create_future()
        code = await response
        if code is None or code >= 300:
            raise NotRegistered(account, self.user, code)

    # -- calls

    def call(self, number: str, target: Address, *, identity: str | None = None) -> Call:
        """Call a number at an address; `identity` is the From, a name-addr, by default our user and address.

        Wait for `Call.up`. An account's password answers a challenge.
        """
        call = self._new_call()
        domain = self.account.domain if self.account else self.address[0]
        credentials = Credentials(self.user, self.account.password) if self.account else None
        with self.driver.turn() as now:
            dialog = self.driver.stack.invite(
                f"sip:{number}@{target[0]}:{target[1]}",
                flow=Flow("udp", *target),
                caller=identity or f"<sip:{self.user}@{domain}>",
                offer=call.offer(),
                credentials=credentials,
                now=now,
            )
        self._by_dialog[dialog] = call
        call.begin(dialog)
        return call

    async def called(self) -> Call:
        """The next call that comes in; it rings."""
        return await self._incoming.get()

    async def answered(self) -> Call:
        """The next call that comes in, picked up at once."""
        call = await self.called()
        call.answer()
        return call

    def forget(self, dialog: Dialog) -> None:
        """A call is over."""
        self._by_dialog.pop(dialog, None)

    def _new_call(self) -> Call:
        call = Call(self, Voice(self.address[0]))
        self.calls.append(call)
        return call

    def _deliver(self, event: Event) -> None:
        if isinstance(event, Responded):
            response = self._responses.pop(event.request, None)
            if response is not None and not response.done():
                response.set_result(event.response.code if event.response is not None else None)
        elif isinstance(event, Invited):
            self._invited(event)
        else:
            call = self._by_dialog.get(getattr(event, "dialog", None))  # type: ignore[arg-type]
            if call is not None:
                call.told(event)

    def _invited(self, event: Invited) -> None:
        call = self._new_call()
        self._by_dialog[event.dialog] = call
        call.begin(event.dialog)
        with self.driver.turn() as now:
            event.dialog.ring(now)
        call.ringing.set()
        if self._on_call is not None:
            self._on_call(call)
        else:
            self._incoming.put_nowait(call)
