"""The deployment that users start from, and the demo's."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest

from config.faults import Faults, dotted
from config.load import load
from config.prompts import Audio
from config.settings import Settings
from config.targets import ToExternal, ToQueue
from config.walk import places
from config.workstreams import InboundWorkstream
from tests.config.deployments import CONFIG, ENVIRON, EXAMPLE, SMALL, with_small


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(EXAMPLE, ENVIRON)


def test_values_are_what_the_example_says(settings: Settings) -> None:
    support = settings.queues["support"]
    assert support.overflow.before[0].when == "out_of_hours"
    assert support.overflow.before[1].then == ToQueue(queue="sales")
    assert support.overflow.queued[0].then == ToExternal(external="+442071239999")
    assert support.overflow.queued[0].when.waited == 600
    assert settings.numbers["+442071230101"].agent == "anna"
    assert str(settings.trunks["carrier-a"].target) == "sip:127.0.0.2:5080;transport=udp"
    assert settings.agents["anna"].password.get_secret_value() == "hush-anna"
    assert settings.media.workers is None
    assert isinstance(settings.workstreams["support-in"], InboundWorkstream)
    assert settings.engagements["renewals"].abandonment.window == 86400


def test_every_key_knows_its_place(settings: Settings) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("    waiting: patient"))
    assert settings.where("queues", "support", "waiting") == f"{EXAMPLE}:{line}:5"
    assert settings.mark("trunks", "carrier-a", "dial", 1, "rewrite").column == 24


def test_a_key_left_out_has_the_place_of_the_nearest_above_it(settings: Settings) -> None:
    assert settings.where("queues", "sales", "hours") == settings.where("queues", "sales")
    assert with_small("").where("media", "ptime") == "settings.yaml:1:1"


def test_secrets_are_never_shown(settings: Settings) -> None:
    dumped = settings.model_dump_json() + json.dumps(settings.model_dump(mode="json"))
    shown = "".join((repr(settings), str(settings), dumped, repr(settings.model_dump())))
    for secret in (*ENVIRON.values(), "secret-bob"):
        assert secret not in shown


def test_settings_do_not_change(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.calls.ring.agent = 5.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.queues["support"] = settings.queues["sales"]  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.queues.clear()  # type: ignore[attr-defined]


def test_every_field_says_what_it_is() -> None:
    silent = [dotted(place.key) for place in places(Settings) if not place.description.endswith(".")]
    assert silent == []


def test_a_small_deployment_is_enough() -> None:
    settings = with_small("")
    assert settings.queues["sales"].assignment == "longest_idle"
    assert settings.calls.ring.agent == 30
    assert settings.recordings.enabled is False


def test_the_demo_loads_and_its_greeting_plays() -> None:
    demo = CONFIG / "demo" / "cordboard.yaml"
    settings = load(demo, {})
    greeting = settings.waiting_strategies["welcome"].greeting
    assert isinstance(greeting, Audio)
    path = greeting.audio
    assert path.stat().st_size < 150_000
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 8000)
        assert 3 < sound.getnframes() / 8000 < 8


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "bob").write_text("hush-bob\n", encoding="utf-8")
    (tmp_path / "d.yaml").write_text(SMALL.replace("secret-anna", "{file: bob}"), encoding="utf-8")
    settings = load(tmp_path / "d.yaml", {})
    assert settings.agents["anna"].password.get_secret_value() == "hush-bob"


def test_faults_do_not_show_secrets(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(SMALL + 'store: {url: "mysql://root:hush@db/x"}\n', encoding="utf-8")
    with pytest.raises(Faults) as caught:
        load(tmp_path / "d.yaml", {})
    assert "hush" not in str(caught.value)
    assert "store.url" in str(caught.value)
