"""Every live conversation, one task each. Runs the Next of each story until one ends, and closes the book on it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType

import anyio
import structlog
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint_if_cancelled

from engine.conversations.conversation import Conversation
from engine.conversations.journal import Journal
from engine.conversations.qualities import Qualities
from engine.facts import Clock, Ended, Next, Party, Phase, Reason
from engine.legs.leg import Leg
from media.quality import Quality

log = structlog.get_logger()

Story = Callable[[Conversation], Awaitable[Next]]
CarryOut = Callable[[Conversation, Next], Awaitable[Next]]
"""Runs the story that a Next names; the stories live in a room above this one."""


class Book:
    """The conversations of this node."""

    def __init__(
        self, node: str, clock: Clock, token: Callable[[], str], journal: Journal, carry_out: CarryOut
    ) -> None:
        self._node = node
        self._clock = clock
        self._token = token
        self._journal = journal
        self._carry_out = carry_out
        self._tasks: TaskGroup | None = None
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._released: dict[str, Ended] = {}
        """Ends that were asked for from outside."""
        self._emptied = asyncio.Event()
        self.live: dict[str, Conversation] = {}
        self.draining = False
        """No new conversations; those there are may finish."""
        self.on_change: list[Callable[[], None]] = []
        """Called after every change of a conversation's phase, its first and its last included."""
        self.watchers: list[Callable[[Conversation], None]] = []
        """Called with a conversation when it begins and after every change of its phase."""
        self.offered = 0
        self.answered = 0
        self.ends: Counter[Reason] = Counter()
        """How conversations finished; offered = sum of ends + live, at any moment."""
        self.qualities = Qualities()
        """How well parties were heard and heard."""

    async def __aenter__(self) -> Book:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what is left. What went wrong elsewhere passes as it is: no story has a part in it."""
        self.stop()
        assert self._tasks is not None
        await self._tasks.__aexit__(None, None, None)

    @property
    def tasks(self) -> int:
        """Stories that run."""
        return len(self._scopes)

    def open(self, number: str, customer: Party) -> Conversation:
        """Enter a conversation, the customer's seat in it; `begin` or `close` follows."""
        wall, now = self._clock.wall(), self._clock.monotonic()
        conversation = Conversation(
            id=f"{self._node}-{int(wall * 1000):011x}{self._token()[-8:]}",
            number=number,
            customer=customer,
            started=wall,
            arrived=now,
            since=now,
            note=self._note,
            measured=self._measured,
        )
        conversation.seat(customer)
        self.live[conversation.id] = conversation
        self.offered += 1
        self._journal.started(conversation)
        for tell in self.watchers:
            tell(conversation)
        return conversation

    def begin(self, conversation: Conversation, first: Story) -> None:
        """Start its first story, in a task of its own."""
        assert self._tasks is not None, "the book is not open"
        scope = self._scopes[conversation.id] = anyio.CancelScope()
        self._tasks.start_soon(self._run, conversation, first, scope)

    def close(self, conversation: Conversation, end: Ended) -> None:
        """Nothing comes after this: everybody is hung up on, everything is given back."""
        del self.live[conversation.id]
        conversation.end = end
        self.ends[end.reason] += 1
        try:
            conversation.clear()
        except Exception:  # raised here it would end every other conversation
            log.exception("conversation_not_cleared", conversation=conversation.id)
        conversation.enter(Phase.ENDED)
        self._journal.ended(conversation)
        if not self.live:
            self._emptied.set()
            self._emptied = asyncio.Event()

    async def drained(self, seconds: float) -> bool:
        """Take no new conversations and wait for those there are; False when some are left after so long."""
        self.draining = True
        with anyio.move_on_after(seconds):
            while self.live:
                await self._emptied.wait()
        return not self.live

    def release(self, conversation: str, detail: str) -> bool:
        """End a conversation from outside; `detail` says on whose word. False when it has no story to end."""
        scope = self._scopes.get(conversation)
        if scope is None:
            return False
        self._released[conversation] = Ended(Reason.RELEASED, detail=detail)
        scope.cancel()
        return True

    def stop(self) -> None:
        """End every conversation at once."""
        self.draining = True
        for scope in list(self._scopes.values()):
            scope.cancel()

    async def _run(self, conversation: Conversation, first: Story, scope: anyio.CancelScope) -> None:
        end = Ended(Reason.STOPPED)
        with structlog.contextvars.bound_contextvars(conversation=conversation.id):
            try:
                with scope:
                    await checkpoint_if_cancelled()
                    end = await self._to_the_end(conversation, first)
            finally:
                del self._scopes[conversation.id]
                asked = self._released.pop(conversation.id, end)
                self.close(conversation, asked if end.reason is Reason.STOPPED else end)

    async def _to_the_end(self, conversation: Conversation, first: Story) -> Ended:
        try:
            then = await first(conversation)
            while not isinstance(then, Ended):
                then = await self._carry_out(conversation, then)
        except Exception as error:  # one call's defect must not end the others: it is logged and counted
            log.exception("conversation_fault")
            return Ended(Reason.FAULT, detail=repr(error))
        return then

    def _measured(self, conversation: Conversation, leg: Leg, quality: Quality) -> None:
        if quality.known:
            self.qualities.add(quality)
            self._journal.measured(conversation, leg, quality)

    def _note(self, conversation: Conversation, phase: Phase) -> None:
        conversation.since = self._clock.monotonic()
        if phase is Phase.TALKING and conversation.answered is None:
            conversation.answered = self._clock.wall()
            self.answered += 1
        self._journal.entered(conversation, phase)
        for tell in self.on_change:
            tell()
        for watch in self.watchers:
            watch(conversation)
