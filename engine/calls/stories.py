"""Which story carries out which Next."""

from __future__ import annotations

from typing import assert_never

from engine.calls.converse import Connected, converse
from engine.calls.desk import Desk
from engine.calls.inbound import wait_in_queue
from engine.conversations.book import CarryOut
from engine.conversations.conversation import Conversation
from engine.facts import Converse, Ended, Next, WaitInQueue
from engine.queues.place import Place


def stories(desk: Desk) -> CarryOut:
    """What the book calls with each Next; an end has no story."""

    async def carry_out(conversation: Conversation, then: Next) -> Next:
        match then:
            case WaitInQueue(place):
                assert isinstance(place, Place)
                return await wait_in_queue(desk, conversation, conversation.caller, place)
            case Converse(connected):
                assert isinstance(connected, Connected)
                return await converse(desk, conversation, conversation.caller, connected)
            case Ended():
                return then
            case _:
                assert_never(then)

    return carry_out
