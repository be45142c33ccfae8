"""Rules between keys, each with its fault's line and column."""

from __future__ import annotations

import pytest

from tests.config.deployments import SMALL, SMALL_LINES, faults_of, with_small

OUT = "workstreams: {out: {direction: outbound, number: '+442071230001', fallback_queue: sales}}\n"
QUIET = "schedule: {mobile: {quiet: ['21:00-08:00']}, order: [mobile]}"


def engagement(text: str) -> str:
    """A campaign with some keys, in line 2 from column 16."""
    return f"{OUT}engagements: {{e: {{name: E, workstream: out, {text}}}}}"


RULES = [
    # sip, trunks, numbers
    ("trunks.carrier", "password: x", "a password without a username"),
    ("trunks.carrier", "username: x", "a username without a password"),
    ("trunks.carrier", "register: true", "registering needs a username and password"),
    ("trunks.carrier", "codecs: [opus]", "opus is not in media.codecs"),
    ("trunks.carrier", "dial: [{match: '+44', rewrite: '{rest}'}]", "{rest} stands for nothing"),
    ("numbers.+442071230001", "use: personal", "a personal number without an agent"),
    ("numbers.+442071230001", "agent: anna", "a shared number with an agent"),
]


@pytest.mark.parametrize(("entry", "keys", "says"), RULES)
def test_entries_of_the_small_deployment(entry: str, keys: str, says: str) -> None:
    start = f"  {entry.partition('.')[2]}: {{" if "+" not in entry else f'  "{entry.partition(".")[2]}": {{'
    assert SMALL.count(start) == 1
    text = SMALL.replace(start, f"{start}{keys}, ")
    [fault] = faults_of(text)
    assert says in fault.message
    assert text.splitlines()[fault.line - 1].startswith(start)
    assert fault.column > len(start)


SENDER = SMALL.replace('"+442071230001": {', '"+442071230001": {waiting: w, ')


def test_a_numbers_strategy_never_sends_to_a_queue() -> None:
    [fault] = faults_of(SENDER + "waiting_strategies: {w: {then: {queue: sales}}}")
    assert (fault.line, fault.column) == (5, 30)
    assert "ends in a queue, which a number's strategy may not" in fault.message


@pytest.mark.parametrize("then", ["end", "{external: '+442071239999'}"])
def test_a_numbers_strategy_may_end_or_send_outside(then: str) -> None:
    assert faults_of(SENDER + f"waiting_strategies: {{w: {{then: {then}}}}}") == ()


SECTIONS = [
    ("sip: {listen: [tls://127.0.0.1:5061], domain: x}", "needs a certificate"),
    ("sip: {domain: x, session_timer: {expires: 100, min: 200}}", "100s is below min"),
    ("sip: {domain: x, register: {min_expires: 600, max_expires: 300}}", "below min_expires"),
    ("sip: {listen: [udp://0.0.0.0:5060], domain: x}", "SDP cannot name 0.0.0.0"),
    (
        "sip: {listen: [udp://127.0.0.1, udp://127.0.0.2], domain: x}",
        "is a second udp:// address of its kind",
    ),
    ("sip: {listen: ['udp://[::1]', udp://127.0.0.1, 'udp://[::2]'], domain: x}", "beside udp://[::1]:5060"),
    ("sip: {listen: ['tcp://[::]'], domain: x}\nmedia: {address: 127.0.0.1}", "Contact cannot name ::"),
]


@pytest.mark.parametrize(("text", "says"), SECTIONS)
def test_sip(text: str, says: str) -> None:
    [fault] = faults_of(text)
    assert says in fault.message
    assert fault.line == 1


QUEUES = [
    ("overflow: {before: [{when: out_of_hours, then: direct_callback}]}", 63, "nobody is there"),
    (
        "overflow: {before: [{when: {waiting_items: 101}, then: end}]}",
        59,
        "101 is out of range; allowed: 1 to 100",
    ),
    ("overflow: {before: [{when: {average_wait: 29s}, then: end}]}", 58, "allowed: 30s to 60m"),
    ("overflow: {before: [{when: {average_wait: 61m}, then: end}]}", 58, "allowed: 30s to 60m"),
    ("overflow: {queued: [{when: {waited: 59s}, then: voicemail}]}", 52, "allowed: 60s to 60m"),
    ("overflow: {queued: [{when: {waited: 1m}, then: end}]}", 63, '"end" is not known here'),
    ("overflow: {queued: [{when: {waited: 1m}, then: {queue: q}}]}", 71, "queue q would be sent to itself"),
    (
        "overflow: {before: [{when: out_of_hours, then: end}, {when: out_of_hours, then: end}]}",
        76,
        "same condition",
    ),
    (
        "overflow: {before: [{when: {waited: 5m}, then: end}]}",
        43,
        "allowed: out_of_hours | {waiting_items: 1-100}",
    ),
    ("waiting: w", 0, "would be sent to itself"),
]


@pytest.mark.parametrize(("keys", "column", "says"), QUEUES)
def test_queues(keys: str, column: int, says: str) -> None:
    text = SMALL + f"  q:      {{    {keys}}}\nwaiting_strategies: {{w: {{then: {{queue: q}}}}}}"
    faults = faults_of(text)
    assert len(faults) == 1, faults
    assert says in str(faults[0])
    assert faults[0].line == SMALL_LINES + (1 if column else 2)
    assert not column or faults[0].column == column


WORKSTREAMS = [
    (
        "{direction: inbound, numbers: ['+442071230001'], routes: [{queue: support}, {queue: sales}]}",
        "never reached",
    ),
    (
        "{direction: inbound, numbers: ['+442071230001'], routes: [{when: {}, queue: sales}]}",
        "names no condition",
    ),
    (
        "{direction: inbound, numbers: ['+442071230001'], "
        "routes: [{when: {attributes: {tier: x}}, queue: sales}]}",
        "contacts have no such attribute",
    ),
    ("{direction: sideways}", "allowed: direction: inbound | outbound"),
    ("{direction: outbound, number: '+442071230001', ai_agent: bot}", '"bot" is not in ai_agents'),
]


@pytest.mark.parametrize(("entry", "says"), WORKSTREAMS)
def test_workstreams(entry: str, says: str) -> None:
    [fault] = faults_of(SMALL + f"workstreams: {{w: {entry}}}")
    assert fault.line == SMALL_LINES + 1
    assert says in str(fault)


def test_a_number_is_in_one_inbound_workstream() -> None:
    stream = "{direction: inbound, numbers: ['+442071230001'], routes: [{queue: support}]}"
    faults = faults_of(SMALL + f"workstreams:\n  a: {stream}\n  b: {stream}")
    assert [(fault.line - SMALL_LINES, fault.column) for fault in faults] == [(2, 37), (3, 37)]


PROFILES = [
    ("inbound: {p: {queue: support, capacity: [voice]}}", "has no number"),
    (
        "inbound: {p: {number: '+442071230001', queue: support, capacity: [voice]}}",
        "not a personal geographic number",
    ),
    ("inbound: {default: {number: '+442071230001'}}", "the default profile has no number"),
    ("outbound: {p: {numbers: ['+442071230009'], queue: support, capacity: [voice]}}", "is not in numbers"),
    ("outbound: {p: {queue: support, capacity: [voice]}}", "has no numbers"),
    ("inbound: {default: {recording: everything}}", "is not known"),
]


@pytest.mark.parametrize(("keys", "says"), PROFILES)
def test_profiles(keys: str, says: str) -> None:
    [fault] = faults_of(SMALL + f"capacity_profiles: {{voice: {{}}}}\nprofiles: {{{keys}}}")
    assert fault.line == SMALL_LINES + 2
    assert says in fault.message


ENGAGEMENTS = [
    ("mode: copilot", 51, "copilot is led by AI"),
    ("mode: preview, led_by: ai, ai: {agent: bot}", 0, '"bot" is not in ai_agents'),
    ("mode: predictive, ai: {max_concurrent: 501}", 0, "allowed: 1 to 500"),
    ("mode: predictive, ai: {per_agent: 6}", 0, "allowed: 1 to 5"),
    ("mode: predictive, ai: {on_failure: {rate: 6}}", 0, "allowed: 1 to 5"),
    ("led_by: ai, mode: progressive", 0, "no AI agent is named"),
    ("rules: {average_wait: 60s}", 0, "a rule of engagements led by AI"),
    ("ring: 2s", 0, "allowed: 3s to 60s"),
    ("identifier: crm", 0, "not an attribute of contacts marked unique"),
    ("answering_machine: {action: voicemail}", 0, "there is no message to leave"),
    ("abandoned: {treatment: message}", 0, "there is no message"),
    ("display_numbers: {numbers: ['+442071230003']}", 0, "is mobile, the workstream's number geographic"),
    (
        "display_numbers: {numbers: ['+442071230002'], "
        "rules: [{field: a, equals: b, number: '+442071230002'}]}",
        0,
        "both",
    ),
    ("display_numbers: {rules: [{field: a, number: '+442071230002'}]}", 0, "no condition"),
    (
        "display_numbers: {rules: ["
        + ", ".join(["{field: a, equals: b, number: '+442071230002'}"] * 6)
        + "]}",
        0,
        "6 rules; allowed: at most 5",
    ),
    ("reattempts: {outcomes: [voicemail]}", 0, "is not known"),
    ("reattempts: {outcomes: [busy], wait: {no_answer: 1h}}", 0, "has no wait for busy"),
    ("reattempts: {wait: 5s}", 0, "allowed: 60s to 30d"),
    ("reattempts: {dispositions: [nope]}", 0, "is not in dispositions"),
    ("frequency: {per_day: 3, per_week: 2}", 0, "2 is less than per_day"),
    ("schedule: {order: [mobile]}", 0, "mobile has no quiet hours"),
    (
        "channel: sms, schedule: {home: {quiet: ['21:00-08:00']}, order: [home]}",
        0,
        "SMS cannot reach a home number",
    ),
]


@pytest.mark.parametrize(("keys", "column", "says"), ENGAGEMENTS)
def test_engagements(keys: str, column: int, says: str) -> None:
    [fault] = faults_of(SMALL + engagement(keys))
    assert fault.line == SMALL_LINES + 2
    assert says in str(fault)
    assert not column or fault.column == column


LAW = [
    ("us", f"ring: 10s, {QUIET}", "10s is too short under compliance: us; allowed: 15s to 60s"),
    ("uk", "ring: 14s", "14s is too short under compliance: uk; allowed: 15s to 60s"),
    (
        "us",
        f"abandoned: {{rate: 0.05}}, {QUIET}",
        "0.05 is too high under compliance: us; allowed: 0 to 0.03",
    ),
    ("uk", "abandoned: {rate: 0.031}", "0.031 is too high"),
    ("uk", "abandoned: {after: 3s}", "3s is too long under compliance: uk; allowed: 1s to 2s"),
    ("us", f"abandoned: {{window: 24h}}, {QUIET}", "24h is not that of compliance: us; allowed: 30d"),
    ("uk", "abandoned: {window: 30d}", "30d is not that of compliance: uk; allowed: 24h"),
    ("uk", "abandoned: {from: greeting_end}", "greeting_end is too late"),
    ("uk", "mode: progressive", "has no message"),
    ("uk", "mode: progressive, abandoned: {message: {say: Acme}, treatment: hang_up}", "hang_up is silent"),
    ("us", f"mode: progressive, abandoned: {{message: {{say: Acme}}}}, {QUIET}", "has no opt_out_key"),
    ("us", "ring: 20s", "has no schedule"),
    ("us", "schedule: {mobile: {quiet: ['22:00-08:00']}}", "calls at 21:00 are against compliance: us"),
    ("us", "schedule: {mobile: {quiet: ['21:00-24:00', '00:00-07:30']}}", "calls at 07:30 are against"),
    ("us", "schedule: {mobile: {quiet: ['20:00-09:00']}, time_zone: utc}", "the contact's clock"),
]


@pytest.mark.parametrize(("pack", "keys", "says"), LAW)
def test_the_law(pack: str, keys: str, says: str) -> None:
    [fault] = faults_of(SMALL + engagement(f"compliance: {pack}, {keys}"))
    assert fault.line == SMALL_LINES + 2
    assert says in str(fault)


def test_packs_fill_in_what_is_left_out() -> None:
    us = with_small(engagement(f"compliance: us, {QUIET}")).engagements["e"].abandonment
    assert (us.after, us.since, us.rate, us.window) == (2.0, "greeting_end", 0.03, 30 * 86400)
    uk = with_small(engagement("compliance: uk")).engagements["e"].abandonment
    assert (uk.after, uk.since, uk.rate, uk.window) == (2.0, "answer", 0.03, 86400)
    free = with_small(engagement("abandoned: {rate: 0.1}")).engagements["e"].abandonment
    assert (free.after, free.since, free.rate, free.window) == (2.0, "answer", 0.1, 30 * 86400)


def test_opting_out_is_no_reason_to_call_again() -> None:
    text = "dispositions: {stop: {category: opt_out}}\n" + engagement("reattempts: {dispositions: [stop]}")
    [fault] = faults_of(SMALL + text)
    assert "they opted out" in fault.message


def test_tokens_differ() -> None:
    token = "{name: a, role: admin, token: x}"
    faults = faults_of(SMALL + f"web: {{tokens: [{token}, {token}]}}")
    assert [fault.key for fault in faults] == [("web", "tokens", 1, "name"), ("web", "tokens", 1, "token")]


def test_a_network_belongs_to_one_trunk() -> None:
    text = SMALL.replace(
        "numbers:\n", "  b: {target: h.test, accept_from: [10.0.0.0/8, 10.0.0.0/8]}\nnumbers:\n"
    )
    [fault] = faults_of(text)
    assert "10.0.0.0/8 is here twice" in fault.message
