"""Boards to look at, and a source whose board a test changes."""

from __future__ import annotations

import asyncio

from engine.web.board import AgentLine, Board, CallLine, QueueLine, Totals

NOW = 5000.0
PHASES = ("waiting", "presented", "talking", "talking", "greeting", "held")
NAMES = (
    "Anna Smith",
    "Bob Jones",
    "Chidi Okafor",
    "Dana Öberg",
    "Eve Li",
    "Farah Haddad-Montgomery",
    "Gus Ray",
    "Hana Kim",
)
CALLERS = (
    "+447700900123",
    "Jo Brown",
    "+33199000456",
    "The Very Long Name of a Company Limited",
    "+12025550143",
)


class Wall:
    """A BoardSource that shows what it is told to."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._mark = asyncio.Event()
        self.taken = 0
        """How often somebody asked for the board."""

    def board(self) -> Board:
        self.taken += 1
        return self._board

    async def changed(self) -> None:
        await self._mark.wait()
        self._mark.clear()

    def show(self, board: Board) -> None:
        self._board = board
        self._mark.set()


def call(number: int, **other: object) -> CallLine:
    """The `number`th call; every field can be had otherwise."""
    phase = PHASES[number % len(PHASES)]
    with_agent = phase in ("talking", "held", "presented")
    usual: dict[str, object] = {
        "id": f"n1-{number}",
        "phase": phase,
        "caller": CALLERS[number % len(CALLERS)],
        "number": "+44207123000" + str(1 + number % 2),
        "queue": "sales" if number % 4 == 3 else "support",
        "agent": NAMES[number % len(NAMES)] if with_agent else "",
        "since": NOW - 3 - number * 3.5,
        "started": NOW - 9 - number * 6.7,
    }
    return CallLine(**(usual | other))  # type: ignore[arg-type]


def agents(count: int) -> tuple[AgentLine, ...]:
    """Agents in all walks of a working day."""
    phases = ("talking", "idle", "presented", "idle", "wrap_up", "idle")
    statuses = ("away", "available", "available", "offline", "away", "away")
    return tuple(
        AgentLine(
            id=f"agent{i}",
            name=NAMES[i % len(NAMES)] + ("" if i < len(NAMES) else f" {i}"),
            status=statuses[i % 6],
            phase=phases[i % 6],
            since=NOW - 12 - 71 * i,
            talking_to=CALLERS[i % len(CALLERS)] if phases[i % 6] in ("talking", "presented") else "",
            phones=0 if i % 6 == 3 else 1,
            calls=(17 * i) % 23,
        )
        for i in range(count)
    )


def board(*calls: CallLine, people: int = 2, at: float = NOW) -> Board:
    """A board with these calls, two queues and some agents."""
    waiting = [c for c in calls if c.phase in ("waiting", "presented", "greeting")]
    support = [at - c.started for c in waiting if c.queue == "support"]
    sales = [at - c.started for c in waiting if c.queue == "sales"]
    done = 48 * bool(calls)
    return Board(
        name="Acme Utilities",
        taken_at=at,
        totals=Totals(
            len(calls) + done,
            done - 3 if done else 0,
            3 if done else 0,
            len(waiting),
            len(calls) - len(waiting),
        ),
        calls=calls,
        queues=(
            QueueLine(
                "support",
                len(support),
                max(support, default=0.0),
                1,
                people,
                40 * bool(calls),
                2 * bool(calls),
                20.0,
            ),
            QueueLine(
                "sales", len(sales), max(sales, default=0.0), 0, people // 2, 8 * bool(calls), 1 * bool(calls)
            ),
        ),
        agents=agents(people),
    )
