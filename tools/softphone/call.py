"""One call of a scripted phone, either way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.sip.dialog import Dialog
from engine.sip.errors import BadSdp, NotAcceptable
from engine.sip.events import (
    Answered,
    Cancelled,
    EarlyMedia,
    Ended,
    Established,
    Event,
    Failed,
    Reanswered,
    Reoffered,
    Ringing,
)
from engine.sip.offer import Answer, LocalMedia, answer, make_offer, settle
from media.g711 import Pcm
from tools.softphone.voice import Voice

if TYPE_CHECKING:
    from tools.softphone.phone import Phone


class CallFailed(Exception):
    """A call that we placed was not answered. `code` is the final SIP response, 408 for none."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class Call:
    """From the first ring to the last word. What it heard can be read after its end too."""

    def __init__(self, phone: Phone, voice: Voice) -> None:
        self.voice = voice
        self.number = ""
        """The user part of the other side's address."""
        self.ringing = asyncio.Event()
        """Set once the far end says that it rings, or we do."""
        self.reoffers = 0
        """How often the far end asked for a change by a re-INVITE."""
        self.phone = phone
        """Whose call it is."""
        self._dialog: Dialog | None = None
        self._media = LocalMedia(*voice.address, codecs=phone.codecs)
        self._change: asyncio.Future[int] | None = None
        self._up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # -- what a script or a test asks

    async def up(self) -> None:
        """Wait until it is answered, by whichever side. Raises CallFailed."""
        await asyncio.shield(self._up)

    async def over(self) -> str:
        """Wait for its end, and why: BYE, cancelled, refused, hung up, failed 486 ..."""
        return await asyncio.shield(self._over)

    @property
    def is_over(self) -> bool:
        return self._over.done()

    @property
    def is_up(self) -> bool:
        return self._up.done() and not self.is_over

    @property
    def heard(self) -> Pcm:
        """What was said to us so far: 8 kHz linear samples."""
        return self.voice.heard

    @property
    def keys(self) -> str:
        """The keys that the far end pressed."""
        return self.voice.keys

    def answer(self) -> None:
        """Pick up. Nothing happens when the caller has gone meanwhile."""
        dialog = self._dialog
        if dialog is None or self._over.done():
            return
        with self.phone.driver.turn() as now:
            try:
                description = self._description(dialog.remote_sdp)
            except (BadSdp, NotAcceptable):
                dialog.refuse(488, now)
                self._end("refused")
                return
            dialog.accept(description, now)
        self._answered()

    def refuse(self, code: int = 486) -> None:
        """Turn it away with a final response of 300..699."""
        if self._dialog is not None and not self._over.done():
            with self.phone.driver.turn() as now:
                self._dialog.refuse(code, now)
            self._end("refused")

    def hang_up(self) -> None:
        """End it from this side, whatever its state. Safe when it is over."""
        if self._dialog is not None and not self._over.done():
            with self.phone.driver.turn() as now:
                self._dialog.hang_up(now)
            self._end("hung up")

    async def say(self, samples: Pcm) -> None:
        """Speak; returns with the last packet, or at once when the call ends."""
        await self._while_up(self.voice.say(samples))

    async def press(self, keys: str) -> None:
        """Press keys; returns when the last is up again. Raises ValueError for what is no key."""
        await self._while_up(self.voice.press(keys))

    async def change(self, direction: str) -> None:
        """Ask by a re-INVITE for sendonly (they are on hold), recvonly, inactive or sendrecv; returns with the answer.

        Raises CallFailed when it is refused, or the call ends: all else stays as it was.
        """
        assert self._dialog is not None, "a call that has begun"
        before = self._media
        self._media = replace(before, direction=direction, version=before.version + 1)
        self._change = asyncio.get_running_loop().create_future()
        with self.phone.driver.turn() as now:
            self._dialog.reoffer(make_offer(self._media), now)
        await self._while_up(self._change)
        code = self._change.result() if self._change.done() else 487
        if code >= 300:
            self._media = replace(self._media, direction=before.direction)
            raise CallFailed(code, f"{direction} was not agreed to")

    async def _while_up(self, doing: asyncio.Future[Any]) -> None:
        await asyncio.wait((doing, self._over), return_when=asyncio.FIRST_COMPLETED)

    # -- what the phone tells it

    def begin(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self.number = dialog.called if dialog.outgoing else _user(dialog.caller.uri)

    def offer(self) -> bytes:
        return make_offer(self._media)

    def told(self, event: Event) -> None:
        """Something happened on the wire."""
        match event:
            case Ringing():
                self.ringing.set()
            case EarlyMedia(sdp=sdp):
                self.ringing.set()
                self._settle(sdp)
            case Answered(sdp=sdp):
                self._settle(sdp)
                self._answered()
            case Established(sdp=sdp):
                self._settle(sdp)
            case Reoffered(offer=offer):
                self._agree(offer)
            case Reanswered(sdp=sdp, code=code):
                self._settle(sdp)
                if self._change is not None and not self._change.done():
                    self._change.set_result(code)
            case Failed(code=code, reason=reason):
                self._fail(code, reason)
            case Cancelled():
                self._end("cancelled")
            case Ended(cause=cause):
                self._end(cause)

    def _description(self, offer: bytes | None) -> bytes:
        """Our answer to an offer, or our offer when there was none."""
        if offer is None:
            return make_offer(self._media)
        answered: Answer = answer(offer, self._media)
        self.voice.aim(answered.agreed)
        return answered.sdp

    def _settle(self, sdp: bytes | None) -> None:
        if sdp is not None and not self._over.done():
            self.voice.aim(settle(self._media, sdp))

    def _agree(self, offer: bytes | None) -> None:
        """Hold, resume, another address: agree to everything that can be understood."""
        assert self._dialog is not None
        self.reoffers += 1
        self._media = replace(self._media, version=self._media.version + 1)
        with self.phone.driver.turn() as now:
            try:
                self._dialog.answer(self._description(offer), now)
            except (BadSdp, NotAcceptable):
                self._dialog.decline(488, now)

    def _answered(self) -> None:
        if not self._up.done():
            self._up.set_result(None)

    def _fail(self, code: int, reason: str) -> None:
        if not self._up.done():
            self._up.set_exception(CallFailed(code, reason))
            self._up.exception()  # whoever waits is told; nobody has to wait
        self._end(f"failed {code}")

    def _end(self, why: str) -> None:
        self.voice.close()
        if not self._up.done():
            self._up.set_exception(CallFailed(487, why))
            self._up.exception()
        if not self._over.done():
            self._over.set_result(why)
        if self._dialog is not None:
            self.phone.forget(self._dialog)


def _user(uri: str) -> str:
    return uri.partition(":")[2].partition("@")[0].partition(";")[0]
