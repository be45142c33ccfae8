"""Another deployment while calls are up: none is dropped, new ones follow it, a faulty one changes nothing."""

from __future__ import annotations

from engine.agents.agent import Doing, Status
from engine.deployment.reload import Reloaded
from engine.facts import Phase, Reason
from tests.flows.conftest import Play
from tests.kit.centre import ENGINE, YAML, Centre, placed

DORA = "  dora: {name: Dora Long, password: pw-dora, queues: [support, sales]}\n"


async def reload(centre: Centre, yaml: str) -> Reloaded:
    """Write a deployment down and reload it."""
    source = centre.engine.office.reloader.source
    assert source is not None
    source.path.write_text(placed(yaml, source.path.parent))
    return await centre.engine.office.reloader.reload("test")


def with_sales(yaml: str) -> str:
    return yaml.replace(
        "queues:\n  support:",
        "queues:\n  sales: {priority: 2, service_level: {answer_within: 5s}}\n  support:",
    )


def test_an_agent_who_is_added_registers_and_takes_a_call_that_waited(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await centre.wait(20)
        assert centre.phase() is Phase.WAITING
        result = await reload(centre, with_sales(YAML.replace("calls:\n", DORA + "calls:\n", 1)))
        assert [str(change) for change in result.changes] == [
            "agents.dora: nothing -> an entry",
            "queues.sales: nothing -> an entry",
        ]
        assert result.restart_needed == ()
        await centre.agent("dora", answer_after=1)
        await centre.wait(3)
        assert (centre.phase(), centre.doing("dora")) == (Phase.TALKING, Doing.TALKING)
        assert centre.engine.dispatcher.queues["sales"].answer_within == 5.0
        caller.hang_up()
        await centre.wait(1)

    play(story)


def test_a_removed_agents_call_goes_on_and_no_other_comes_to_them(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=1)
        first = centre.caller()
        await anna.rung.wait()
        await centre.wait(5)
        assert centre.phase() is Phase.TALKING
        gone = "\n".join(line for line in YAML.splitlines() if "anna" not in line) + "\n"
        await reload(centre, gone)
        assert "anna" not in centre.engine.floor.agents
        assert centre.phase() is Phase.TALKING
        anna.calls[0].hang_up()
        await first.until("ended")
        second = centre.caller()
        await centre.wait(30)
        assert len(anna.calls) == 1
        await reload(centre, YAML)
        await centre.wait(5)
        assert len(anna.calls) == 2  # her phone is still registered, so the caller who waits is hers
        second.hang_up()
        await centre.wait(1)
        assert centre.ends() == {Reason.COMPLETED: 2}

    play(story)


def test_a_removed_queue_serves_those_who_wait_and_is_gone_then(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await centre.wait(10)
        to_sales = with_sales(YAML).replace("queue: support", "queue: sales").replace("[support]", "[sales]")
        only_sales = "\n".join(line for line in to_sales.splitlines() if "  support: " not in line) + "\n"
        result = await reload(centre, only_sales)
        assert result.faults == ()
        assert list(centre.engine.dispatcher.queues) == ["support", "sales"]
        late = centre.caller()
        await centre.wait(1)
        assert len(centre.engine.dispatcher.queues["sales"]) == 1
        caller.hang_up()
        await centre.wait(1)
        assert list(centre.engine.dispatcher.queues) == ["sales"]
        late.hang_up()
        await centre.wait(1)
        await reload(centre, YAML)  # the last look at what is left asks for the queue

    play(story)


def test_who_waits_keeps_their_maximum_and_who_comes_gets_the_new_one(play: Play) -> None:
    async def story(centre: Centre) -> None:
        first = centre.caller()
        await centre.wait(10)
        await reload(centre, YAML.replace("max_wait: 10m", "max_wait: 60s"))
        second = centre.caller()
        await centre.wait(100)
        assert ("ended" in first.news, "ended" in second.news) == (False, True)
        await first.until("ended", within=600)
        assert centre.ends() == {Reason.MAX_WAIT: 2}

    play(story)


def test_a_faulty_deployment_is_refused_and_the_old_one_stays(play: Play) -> None:
    async def story(centre: Centre) -> None:
        before = centre.engine.desk.settings
        for bad in (
            "not: [yaml",
            YAML.replace("[support]", "[suport]", 1),
            YAML.replace("greeting.wav", "gone.wav"),
        ):
            result = await reload(centre, bad)
            assert result.faults
            assert result.changes == ()
            assert centre.engine.desk.settings is before
        [fault] = (await reload(centre, YAML.replace("[support]", "[suport]", 1))).faults
        assert "suport" in fault.message
        assert str(fault.mark).endswith("cordboard.yaml:9:56")

    play(story)


def test_what_needs_a_restart_is_named_and_waits_for_it(play: Play) -> None:
    async def story(centre: Centre) -> None:
        changed = YAML.replace("domain: acme.test", "domain: other.test").replace(
            "folder: FOLDER", "folder: elsewhere"
        )
        result = await reload(centre, changed.replace("time: 10s", "time: 20s"))
        assert result.restart_needed == ("sip.domain", "recordings.folder")
        assert centre.engine.desk.settings.sip.domain == "acme.test"
        assert centre.engine.floor.agents["anna"].wrap_up == 20.0

    play(story)


def test_no_secret_shows_in_a_difference(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        result = await reload(centre, YAML.replace("pw-anna", "hush"))
        assert [str(change) for change in result.changes] == ["agents.anna.password: a secret -> changed"]
        assert await anna.register(ENGINE, "acme.test", "hush") == 200
        assert await anna.register(ENGINE, "acme.test", "pw-anna") != 200

    play(story)


def test_who_is_away_is_not_rung_and_is_when_they_are_back(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=1)
        floor = centre.engine.floor
        floor.choose("anna", Status.AWAY)
        caller = centre.caller()
        await centre.wait(30)
        assert (centre.phase(), len(anna.calls)) == (Phase.WAITING, 0)
        floor.choose("anna", Status.AVAILABLE)
        await centre.wait(2)
        assert centre.phase() is Phase.TALKING
        floor.choose("anna", Status.AWAY)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()
        await centre.wait(1)
        assert centre.doing("anna") is Doing.WRAP_UP

    play(story)


def test_a_call_that_is_ended_from_outside_leaves_nothing_behind(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=5)
        for pause in (1.0, 5.0, 20.0):  # in the greeting, while it rings, in the talk
            caller = centre.caller()
            await centre.wait(pause)
            assert centre.engine.book.release(centre.conversation.id, "test")
            await caller.until("ended")
            await centre.wait(30)
        assert centre.ends() == {Reason.RELEASED: 3}
        assert anna.calls

    play(story)
