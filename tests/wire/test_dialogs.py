"""Dialogs of callers and phones that use what RFC 3261 left to later ones, spoken by SIPp.

interop 1: late offer, in the 200 and in a reliable 180. interop 3: an answer in a reliable 183.
interop 10: session timers. interop 17: hold in all three forms.
"""

from __future__ import annotations

import pytest

from tests.kit.daemon import Daemon
from tests.kit.softphones import carrier, dial, ended
from tests.wire.conftest import Parties

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.peer("sipp")]


@pytest.mark.parametrize(
    "scenario", ["caller_pracks", "caller_late_offer", "caller_times_session", "caller_holds"]
)
async def test_a_caller(engine: Daemon, parties: Parties, scenario: str) -> None:
    async with parties.scripted_caller(engine, scenario, seconds=0.5) as caller:
        await caller.succeeded()


async def test_a_phone_that_rings_reliably_and_is_refreshed(engine: Daemon, parties: Parties) -> None:
    """Its scenario hangs up once our UPDATE has come, half of its ten seconds later."""
    async with parties.scripted_agent(engine, "anna", "agent_rings_reliably") as phone, carrier() as trunk:
        caller = dial(trunk, engine)
        await phone.succeeded()
        assert await ended(caller) == "BYE"
