"""A caller comes in, waits, and is given to an agent."""

from __future__ import annotations

from contextlib import ExitStack

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from engine.agents.floor import Hold
from engine.calls.converse import Connected
from engine.calls.desk import Desk
from engine.conversations.conversation import Conversation
from engine.facts import Answer, Converse, Ended, LegEnd, Next, Party, Phase, Reason, WaitInQueue
from engine.legs.leg import Leg
from engine.legs.scope import while_up
from engine.legs.sound import Clip
from engine.policy.routing import NoRoute, ToQueue, route
from engine.policy.waiting import Connect, GiveUp, Greet, Wait, next_step
from engine.queues.place import Place
from engine.sip.errors import RemoteFault
from media.control import NoRow


async def arrive(desk: Desk, conversation: Conversation) -> Next:
    """Find where the called number leads, and answer."""
    caller = conversation.caller
    match route(conversation.number, desk.settings.numbers, desk.workstreams):
        case NoRoute(code, why):
            caller.refuse(code)
            return Ended(Reason.REFUSED, code=code, detail=why)
        case ToQueue(queue):
            conversation.queue = queue
    with while_up(caller):
        caller.ring()
        try:
            await caller.answer()
        except RemoteFault as fault:
            caller.refuse(fault.code)
            return Ended(Reason.REFUSED, code=fault.code, detail=fault.why)
        desk.record(conversation, caller)
        return WaitInQueue(desk.dispatcher.enter(queue, conversation.id))
    return gone(caller)


async def wait_in_queue(desk: Desk, conversation: Conversation, caller: Leg, place: Place) -> Next:
    """Keep a caller company until an agent has answered."""
    sound = desk.sounds[place.queue.name]
    with ExitStack() as undo:
        undo.callback(place.give_back)
        with while_up(caller):
            while True:
                # The caller may leave in the very turn in which an agent is reserved.
                await checkpoint_if_cancelled()
                match next_step(place.facts(desk.clock.monotonic()), place.rules):
                    case Greet():
                        await greet(conversation, caller, sound.greeting)
                        place.greeted()
                    case Wait(seconds):
                        conversation.enter(Phase.WAITING)
                        caller.hear(sound.music)
                        with anyio.move_on_after(seconds):
                            await place.agent_ready()
                    case Connect():
                        agent = await present(desk, conversation, caller, place.take())
                        if agent is not None:
                            place.answered()
                            return Converse(agent)
                        place.missed()
                    case GiveUp():
                        place.gave_up()
                        caller.hang_up()
                        return Ended(Reason.MAX_WAIT)
        place.abandoned()
    return gone(caller)


async def greet(conversation: Conversation, caller: Leg, greeting: Clip | None) -> None:
    """Heard in full: it may carry a legal notice."""
    if greeting is not None:
        conversation.enter(Phase.GREETING)
        await caller.play(greeting)


async def present(desk: Desk, conversation: Conversation, caller: Leg, hold: Hold) -> Connected | None:
    """Ring an agent's phones while the caller goes on hearing music; None when they did not take the call.

    They are rung only once the store says that no other node has them.
    """
    person = hold.agent
    with ExitStack() as undo:
        undo.enter_context(hold)
        if not await desk.claims.take(person.id):
            hold.elsewhere()
            caller.log.info("agent_elsewhere", agent=person.id)
            return None
        conversation.agent = person.id
        leg = conversation.seat(Party("agent", person.id, person.name))
        undo.callback(conversation.vacate, leg)
        conversation.enter(Phase.PRESENTED)
        try:
            phones = desk.phones(conversation, leg, caller, person.id)
        except NoRow as error:
            leg.log.warning("no_row_for_agent", agent=person.id, why=str(error))
            hold.not_rung()
            conversation.agent = ""
            return None
        outcome = await leg.dial(phones, desk.ring_agent)
        if outcome.answer is Answer.ANSWERED:
            undo.pop_all()
            return Connected(leg, hold)
        hold.not_taken(outcome.answer)
    desk.journal.missed(conversation, leg.id, person.id, outcome)
    conversation.agent = ""
    return None


def gone(caller: Leg) -> Ended:
    """The caller's seat became empty before an agent had answered."""
    match caller.end:
        case LegEnd.NO_ACK:
            return Ended(Reason.NO_ACK)
        case LegEnd.LOST:
            return Ended(Reason.LOST, by="customer", detail=str(caller.cause or ""))
        case LegEnd.MEDIA_LOST:
            return Ended(Reason.MEDIA_LOST)
        case LegEnd.FAILED:
            return Ended(Reason.REFUSED, code=488)
        case LegEnd.FAULT:
            return Ended(Reason.FAULT)
        case _:
            return Ended(Reason.ABANDONED, by="customer", detail=str(caller.cause or ""))
