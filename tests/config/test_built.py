"""Which keys do nothing yet, and which prompts cannot be spoken yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.built import BUILT, spoken_prompts, unbuilt
from config.load import load, loads
from config.settings import Settings
from config.walk import fields_of
from tests.config.deployments import CONFIG, ENVIRON, EXAMPLE, SMALL, with_small
from tests.kit.certificates import certificate

ROUTE = "workstreams: {w: {direction: inbound, numbers: ['+442071230001'], routes: [{queue: support}]}}\n"


def test_the_demo_asks_for_nothing_that_is_not_built() -> None:
    settings = load(CONFIG / "demo" / "cordboard.yaml", {})
    assert unbuilt(settings) == []
    assert spoken_prompts(settings) == []


def test_built_keys_exist() -> None:
    assert set(BUILT) <= set(fields_of(Settings))


def test_the_example_asks_for_more() -> None:
    keys = unbuilt(load(EXAMPLE, ENVIRON))
    assert {"hours", "engagements", "queues.sales.assignment: round_robin", "media.srtp: optional"} <= set(
        keys
    )
    assert "numbers.+442071230101.use: personal" in keys
    assert "agents.anna.skills (and 1 more)" in keys
    assert not {"sip.listen", "queues.support.waiting", "suppressions", "do_not_call"} & set(keys)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ["numbers.+442071230001.outbound (and 2 more)"]),
        ("store: {url: 'postgresql://u:hush@h/d'}", []),
        ("media: {codecs: [PCMA, G722]}", ["media.codecs[1]: G722"]),
        ("recordings: {enabled: true, files: unified}", ["recordings.files: unified"]),
        ("calls: {ring: {agent: 9, customer: 9}}", ["calls.ring.customer"]),
        ("waiting_strategies: {w: {then: {queue: sales}}}", ["waiting_strategies.w.then"]),
        ("recordings: {upload: null, encryption_key: null}", []),
        ("directory: []", []),
    ],
)
def test_values(text: str, keys: list[str]) -> None:
    found = [key for key in unbuilt(with_small(text)) if not key.startswith("numbers.") or not text]
    assert found == keys


def test_secure_listeners_are_built(tmp_path: Path) -> None:
    files = certificate(tmp_path, "acme.test")
    tls = f"tls: {{certificate: {files.certificate.name}, key: {files.key.name}}}"
    sip = f"sip: {{listen: [udp://127.0.0.1, tls://127.0.0.1, 'wss://[::1]:7443'], domain: x, {tls}}}"
    assert unbuilt(loads(sip, folder=tmp_path)) == []


@pytest.mark.parametrize(
    ("greeting", "route", "found"),
    [
        ("{say: Hello}", ROUTE, ["Hello"]),
        ("{say: Hello}", "", []),
        ("null", ROUTE, []),
    ],
)
def test_spoken_prompts_are_those_that_callers_reach(greeting: str, route: str, found: list[str]) -> None:
    small = route + f"waiting_strategies: {{w: {{greeting: {greeting}}}}}\ncalls: {{}}\n"
    settings = with_small_waiting(small)
    assert [prompt.text for prompt in spoken_prompts(settings)] == found


def with_small_waiting(text: str) -> Settings:
    """The small deployment with a waiting strategy for its queue."""
    return loads(SMALL.replace("support: {}", "support: {waiting: w}") + text, {}, name="d.yaml")


def test_a_spoken_prompt_says_where_it_is() -> None:
    settings = with_small_waiting(ROUTE + "waiting_strategies:\n  w:\n    greeting: {say: Hello}\n")
    [prompt] = spoken_prompts(settings)
    said = "waiting_strategies.w.greeting: text-to-speech is not built yet; allowed: {audio: path}"
    assert str(prompt) == f"d.yaml:16:5: {said}"
