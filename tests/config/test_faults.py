"""Broken deployments: each fault at its line and column, with what is wrong and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from config.faults import Fault, Faults
from config.load import load, loads
from tests.config.deployments import SMALL, SMALL_LINES, faults_of


class Case(NamedTuple):
    """Text below the small deployment (whose last line is SMALL_LINES), and the one fault that it has."""

    text: str
    line: int
    column: int
    says: str


VALUES = [
    Case("calls: {ring: {agent: 90s}}", 1, 23, "calls.ring.agent: 90s is out of range; allowed: 3s to 60s"),
    Case("calls: {ring: {agent: 2}}", 1, 23, "2s is out of range; allowed: 3s to 60s"),
    Case("calls: {ring: {agent: soon}}", 1, 23, '"soon" is not a duration'),
    Case(
        "calls:\n  wrap_up:\n    blocks: 30s",
        3,
        13,
        "30s is out of range; allowed: always, never, or 1m to 60m",
    ),
    Case("calls: {wrap_up: {enabled: yes}}", 1, 28, '"yes" is neither true nor false'),
    Case("calls: {missed: ignore}", 1, 17, '"ignore" is not known; allowed: close, leave_open'),
    Case("calls: 5", 1, 8, "calls: 5 is not a mapping"),
    Case("calls:", 1, 1, "an empty value is not a mapping; allowed: keys with values, or the key left out"),
    Case("media: {rtp_ports: 30000-20000}", 1, 20, "out of range"),
    Case("media: {workers: 0}", 1, 18, "0 is not a number of processes; allowed: auto, or 1 to 64"),
    Case("media: {codecs: [PCMU, G711]}", 1, 24, '"G711" is not known'),
    Case("media: {codecs: [PCMU, PCMU]}", 1, 17, "PCMU is here twice"),
    Case("media: {codecs: []}", 1, 17, "the list is empty"),
    Case("media: {codecs: PCMU}", 1, 17, '"PCMU" is not a list'),
    Case("media: {ptime: 25}", 1, 16, "25 is no packet time; allowed: 10, 20"),
    Case("media: {address: localhost}", 1, 18, '"localhost" is not an IP address'),
    Case("media: {address: 0.0.0.0}", 1, 18, "SDP cannot name 0.0.0.0"),
    Case("organisation: {time_zone: Europe/Londn}", 1, 27, 'allowed: "Europe/London" (nearest)'),
    Case("organisation: {language: english}", 1, 26, "a language tag such as en-GB"),
    Case('organisation: {name: "a\\r\\nb"}', 1, 22, "control characters"),
    Case("web: {listen: 8080}", 1, 15, "8080 is not text"),
    Case("web: {listen: 127.0.0.1}", 1, 15, "not an IP address with a port"),
    Case("web: {tokens: [{name: a, role: king, token: x}]}", 1, 32, '"king" is not known'),
    Case("web: {tokens: [{name: a, role: admin}]}", 1, 16, "web.tokens[0].token: the key is missing"),
    Case("store: {url: mysql://h/d}", 1, 14, "not the URL of a store that is known; allowed: sqlite:///PATH"),
    Case("voicemail: {max: 6m}", 1, 18, "6m is out of range; allowed: 5s to 5m"),
    Case("hours: {o: {week: {mon: ['17:00-08:00']}}}", 1, 26, "ends before it starts"),
    Case("hours: {o: {week: {mon: ['08:00-12:00', '11:00-13:00']}}}", 1, 25, "overlap"),
    Case(
        "hours: {o: {holidays: [{from: 2026-13-01}]}}",
        1,
        31,
        '"2026-13-01" is not a day; allowed: YYYY-MM-DD',
    ),
    Case("hours: {o: {holidays: [{from: 2026-12-26, to: 2026-12-25}]}}", 1, 47, "2026-12-25 is before"),
    Case(
        "directory: [{name: A, number: +442071239999}]", 1, 31, "+442071239999 is not text; allowed: an E.164"
    ),
    Case("directory: [{name: A, number: '02071239999'}]", 1, 31, "does not fit; allowed: an E.164 number"),
    Case("capacity_profiles: {voice: {limit: 0}}", 1, 36, "0 is out of range; allowed: 1 to 100"),
    Case("ai_agents: {bot: {url: 'http://h'}}", 1, 24, "ws:// or wss://"),
    Case("callbacks: {bad name: {}}", 1, 13, '"bad name" does not fit'),
    Case("waiting_strategies: {w: {greeting: hello}}", 1, 36, "allowed: {say: text} | {audio: path}"),
    Case("waiting_strategies: {w: {greeting: {audio: no.wav}}}", 1, 44, "the file no.wav does not exist"),
    Case("waiting_strategies: {w: {music: song.wav}}", 1, 33, "the file song.wav does not exist"),
    Case("waiting_strategies: {w: {music: 'builtin:polka'}}", 1, 33, "allowed: builtin:hold | builtin:wait"),
    Case(
        "waiting_strategies: {w: {greeting: {say: 'You are {position:ordinal}.'}}}",
        1,
        42,
        "means nothing here",
    ),
    Case("waiting_strategies: {w: {announcement: {message: {say: '{position:x}'}}}}", 1, 56, "is unknown"),
    Case(
        "waiting_strategies: {w: {then: quit}}",
        1,
        32,
        '"quit" is not known here; allowed: end | {queue: NAME}',
    ),
    Case(
        "waiting_strategies: {w: {then: {queue: nope}}}",
        1,
        40,
        '"nope" is not in queues; allowed: sales, support',
    ),
    Case(
        "waiting_strategies: {w: {then: {queue: suport}}}",
        1,
        40,
        'allowed: "support" (nearest) of sales, support',
    ),
    Case("messaging: {templates: {t: {default: en, texts: {de: Hallo}}}}", 1, 38, "there is no text in en"),
    Case("messaging: {limits: {contacts_per_request: 101}}", 1, 44, "101 is out of range; allowed: 1 to 100"),
    Case("messaging: {channels: {c: {type: twitter}}}", 1, 27, "allowed: type: sip_message | twilio | azure"),
    Case("recordings: {upload: {ftp: {}}}", 1, 23, "unknown key"),
    Case("recordings: {keep: 12h}", 1, 20, "12h is out of range"),
    Case("recordings: {encryption_key: {env: KEY}}", 1, 30, "the environment variable KEY is not set"),
    Case("recordings: {encryption_key: {file: no}}", 1, 30, "no cannot be read"),
    Case("recordings: {encryption_key: 12345}", 1, 30, "a secret that is not text"),
    Case("suppressions: [{comment: x}]", 1, 16, "has no filter"),
    Case("do_not_call: {file: dnc.csv}", 1, 21, "the file dnc.csv does not exist"),
    Case("presence: {custom: [lunch, away]}", 1, 28, "away exists without it"),
    Case("transfer: {message: {say: x, every: 0}}", 1, 37, "0s is out of range"),
]


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case.text[:50])
def test_values(case: Case) -> None:
    only(SMALL + case.text, case, SMALL_LINES)


def only(text: str, case: Case, above: int = 0) -> None:
    """There is one fault, and it is the one of the case."""
    faults = faults_of(text)
    assert [(fault.line - above, fault.column) for fault in faults] == [(case.line, case.column)], faults
    assert case.says in str(faults[0])


SYNTAX = [
    Case("sip: {domain: a\nqueues: {}", 2, 7, "not YAML"),
    Case("a: 1\n b: 2", 2, 3, "not YAML"),
    Case("sip: *nobody", 1, 6, "undefined alias"),
    Case("sip: {}\n---\nsip: {}", 2, 1, "another document"),
    Case("sip: \x01", 1, 6, "control character"),
    Case("- a\n- b", 1, 1, "the file is not a mapping"),
    Case("", 1, 1, "sip: the key is missing"),
    Case("a: " + "[" * 900, 1, 1, "nested too deeply"),
]


@pytest.mark.parametrize("case", SYNTAX, ids=lambda case: case.text[:20])
def test_syntax(case: Case) -> None:
    faults = faults_of(case.text)
    assert (faults[0].line, faults[0].column) == (case.line, case.column), faults
    assert case.says in str(faults[0])


def test_an_unquoted_number_as_a_key() -> None:
    text = SMALL.replace('"+442071230002":', "+442071230002:")
    only(
        text,
        Case("", 6, 3, 'the key +442071230002 is not text to YAML; allowed: it in quotes: "+442071230002"'),
    )


def test_a_key_twice_names_the_first() -> None:
    only(
        SMALL + "  support: {priority: 2}",
        Case("", SMALL_LINES + 1, 3, "the key is here twice, first at d.yaml:11:3"),
    )


def test_merge_keys_are_refused() -> None:
    only(
        SMALL + "calls: {<<: {missed: close}}",
        Case("", SMALL_LINES + 1, 9, 'merge keys ("<<") are not YAML 1.2'),
    )


def test_an_alias_bomb_is_refused() -> None:
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    faults = faults_of("\n".join(rows))
    assert "grows without bound" in faults[0].message


def test_an_alias_inside_itself_is_refused() -> None:
    assert any("grows without bound" in fault.message for fault in faults_of("queues: &q {a: *q}"))


def test_aliases_are_allowed() -> None:
    settings = loads(SMALL + "hours: {a: &a {week: {mon: ['09:00-10:00']}}, b: *a}")
    assert settings.hours["a"] == settings.hours["b"]


def test_truth_values_are_those_of_yaml_1_2() -> None:
    only(
        "%YAML 1.1\n---\n" + SMALL + "calls: {wrap_up: {enabled: on}}",
        Case("", SMALL_LINES + 3, 28, '"on" is neither'),
    )


def test_all_of_200_faults_in_one_pass() -> None:
    rows = [f"  agent-{n}: {{name: N, password: p, queues: [support], wrap_up: {n}d}}" for n in range(1, 101)]
    rows += [f"  person-{n}: {{name: N, pasword: p, queues: [suport-{n}]}}" for n in range(50)]
    text = SMALL.replace("agents:\n", "agents:\n" + "\n".join(rows) + "\n")
    faults = faults_of(text)
    assert len(faults) == 200
    assert [fault.line for fault in faults if "out of range" in fault.message] == list(range(9, 109))
    assert sum('nearest is "password"' in fault.message for fault in faults) == 50
    assert sum('"support" (nearest)' in fault.allowed for fault in faults) == 50


def test_faults_of_kinds_that_are_found_in_different_ways_come_together() -> None:
    stream = "{direction: inbound, numbers: ['+44207123000%s'], routes: [{queue: support}, {queue: sales}]}"
    streams = f"workstreams:\n  unknown_number: {stream % 9}\n  unreached: {stream % 1}"
    text = SMALL + "calls: {ring: {agent: 1s}}\nweb: {listn: x}\n" + streams
    assert [fault.line - SMALL_LINES for fault in faults_of(text)] == [1, 2, 4, 5]


def test_a_fault_has_its_parts() -> None:
    [fault] = faults_of(SMALL + "calls: {ring: {agent: 90s}}")
    assert isinstance(fault, Fault)
    assert (fault.path, fault.line, fault.column) == ("d.yaml", SMALL_LINES + 1, 23)
    assert (fault.message, fault.allowed) == ("calls.ring.agent: 90s is out of range", "3s to 60s")
    assert fault.key == ("calls", "ring", "agent")
    assert (
        str(fault)
        == f"d.yaml:{SMALL_LINES + 1}:23: calls.ring.agent: 90s is out of range; allowed: 3s to 60s"
    )


@pytest.mark.parametrize("name", ["missing.yaml", "empty", "latin.yaml"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"sip:\n  domain: caf\xe9\n")
    with pytest.raises(Faults) as caught:
        load(tmp_path / name, {})
    says = {"missing.yaml": "No such file", "empty": "no *.yaml files", "latin.yaml": "not UTF-8 in line 2"}
    assert says[name] in str(caught.value)
