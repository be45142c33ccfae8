"""The single values of the YAML: how each is read, its limits, and what an editor is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import SecretStr

from config.faults import Wrong, choice
from config.section import Freeze, Reads, Refers, shown

T = TypeVar("T")


def words(
    parse: Callable[[str], Any],
    what: str,
    schema: Mapping[str, Any],
    show: Callable[[Any], Any] | None = None,
) -> Reads:
    """A value that is written as text. `what` says what is allowed when something else is there."""

    def read(value: Any, folder: Path) -> Any:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, int | float):
            raise Wrong(f"{shown(value)} is not text", what if "quotes" in what else f"{what}, in quotes")
        raise Wrong(f"{shown(value)} is not text", what)

    return Reads(read, schema, show)


def matching(pattern: str, what: str) -> Reads:
    """Text of a certain shape."""
    shape = re.compile(pattern)

    def parse(value: str) -> str:
        if not shape.fullmatch(value):
            raise Wrong(f"{shown(value)} does not fit", what)
        return value

    return words(parse, what, {"type": "string", "pattern": f"^{pattern}$", "description": what})


def tagged(this: str, *words: str) -> Reads:
    """The word that tells one form of a mapping from the others, of which `words` are all."""

    def parse(value: Any, folder: Path) -> str:
        if value != this:
            allowed = choice(value, words) if isinstance(value, str) else " | ".join(words)
            raise Wrong(f"{shown(value)} is not known", allowed)
        return this

    return Reads(parse, {"const": this})


def whole(low: int, high: int) -> Reads:
    """A whole number within limits, both allowed."""

    def parse(value: Any, folder: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"{shown(value)} is not a whole number", f"{low} to {high}")
        if not low <= value <= high:
            raise Wrong(f"{value} is out of range", f"{low} to {high}")
        return value

    return Reads(parse, {"type": "integer", "minimum": low, "maximum": high})


def number(low: float, high: float, *, above: bool = False) -> Reads:
    """A number within limits, both allowed; with `above` the lower one is not."""
    allowed = f"{'above ' if above else ''}{low:g} to {high:g}"

    def parse(value: Any, folder: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong(f"{shown(value)} is not a number", allowed)
        if not low <= value <= high or (above and value == low):
            raise Wrong(f"{value} is out of range", allowed)
        return float(value)

    lower = "exclusiveMinimum" if above else "minimum"
    return Reads(parse, {"type": "number", lower: low, "maximum": high})


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd])")


def seconds(low: float, high: float) -> Reads:
    """A duration within limits, in seconds once read. Written 20s, 10m, 24h, 30d or a number of seconds."""
    allowed = f"{spell(low)} to {spell(high)}"

    def parse(value: Any, folder: Path) -> float:
        length = duration(value, allowed)
        if not low <= length <= high:
            raise Wrong(f"{value if isinstance(value, str) else spell(value)} is out of range", allowed)
        return length

    text = {"type": "string", "pattern": f"^{_DURATION.pattern}$"}
    return Reads(
        parse,
        {
            "anyOf": [{"type": "number", "minimum": low, "maximum": high}, text],
            "description": f"A duration, {allowed}: 20s, 10m, 24h, 30d, or a number of seconds.",
        },
    )


def duration(value: Any, allowed: str) -> float:
    """Seconds from 20s, 10m, 24h, 30d or a bare number. Raises Wrong."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Wrong(
            f"{shown(value)} is not a duration", f"{allowed}, written as 20s, 10m, 24h, 30d or seconds"
        )
    return float(match[1]) * _UNITS[match[2]]


def spell(length: float) -> str:
    """Seconds in the unit that reads best."""
    for unit in "dhm":
        if length >= 2 * _UNITS[unit] and length % _UNITS[unit] == 0:
            return f"{round(length / _UNITS[unit])}{unit}"
    return f"{length:.0f}s" if length % 1 == 0 else f"{length}s"


def _flag(value: Any, folder: Path) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"{shown(value)} is neither true nor false", "true or false")
    return value


Flag = Annotated[bool, Reads(_flag, {"type": "boolean"})]


def _plain(value: str) -> str:
    if not value.strip():
        raise Wrong("the text is empty", "some text")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise Wrong("the text has control characters or more than one line", "one line of printable text")
    return value


Text = Annotated[str, words(_plain, "one line of text", {"type": "string", "minLength": 1})]
"""One line, fit for a SIP header, a log and a page."""


def _prose(value: str) -> str:
    _plain(" ".join(value.split("\n")))
    return value


Prose = Annotated[str, words(_prose, "some text", {"type": "string", "minLength": 1})]
"""Text of one or more lines."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
Name = Annotated[str, matching(_NAME, "1-64 letters, digits, '.', '_' or '-', a letter or digit first")]
"""The key of an entry: safe in a SIP address, a file name and a URL."""
Named = Annotated[Mapping[Name, T], Freeze]
"""A section of entries by name."""

_E164 = r"\+[1-9][0-9]{5,14}"
PhoneNumber = Annotated[
    str, matching(_E164, 'an E.164 number of 6 to 15 digits in quotes, such as "+442071230001"')
]
"""E.164 with its plus sign."""
ByNumber = Annotated[Mapping[PhoneNumber, T], Freeze]
NumberPattern = Annotated[
    str,
    matching(
        r"(\+?[0-9]*\*|\+?[0-9]+)",
        'digits after an optional +, a * at the end for "and anything", such as "+44*"',
    ),
]
"""A phone number, or the beginning of one followed by an asterisk."""
Language = Annotated[
    str,
    matching(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", "a language tag such as en-GB (BCP 47)"),
]
DigitKey = Annotated[
    str, matching(r"[0-9*#A-D]", 'one key of a phone in quotes: "0" to "9", "*", "#", "A" to "D"')
]
WebSocketUrl = Annotated[
    str,
    matching(
        r"wss?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[^\s]*)?",
        "ws:// or wss:// with a host, no user or password in it",
    ),
]


@cache
def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _zone(name: str) -> str:
    if not _zone_exists(name):
        known = available_timezones()
        allowed = choice(name, known) if known else "none: this machine has no time zone data (tzdata)"
        raise Wrong(
            f"{shown(name)} is no IANA time zone",
            allowed.split(" of ")[0] if " of " in allowed else "such as Europe/London",
        )
    return name


Zone = Annotated[
    str,
    words(
        _zone, "an IANA time zone such as Europe/London", {"type": "string", "examples": ["Europe/London"]}
    ),
]
"""The name of an IANA time zone that this machine knows."""


def _secret(value: Any, folder: Path) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if isinstance(value, str) and value.strip():
        return SecretStr(value)
    problem = "an empty secret" if isinstance(value, str) else "a secret that is not text"
    raise Wrong(problem, "text in quotes, {env: NAME} or {file: path}")


_SECRET_FORMS = [
    {"type": "string", "minLength": 1},
    {
        "type": "object",
        "properties": {"env": {"type": "string"}},
        "required": ["env"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"file": {"type": "string"}},
        "required": ["file"],
        "additionalProperties": False,
    },
]
SECRET = Reads(
    _secret, {"anyOf": _SECRET_FORMS, "description": "A secret: text, {env: NAME} or {file: path}."}, str
)
Secret = Annotated[SecretStr, SECRET]
"""Text that is never shown. config.load has put what {env: NAME} or {file: path} stand for in their place."""


def _file(value: Any, folder: Path) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise Wrong(f"{shown(value)} is not a path", "the path of a file, seen from the folder of this YAML")
    return folder / value


FILE = Reads(_file, {"type": "string", "minLength": 1}, str)
InputFile = Annotated[Path, FILE]
"""A file that must exist; relative to the YAML that names it."""


def _sound_file(value: Any, folder: Path) -> Path:
    path: Path = _file(value, folder)
    if path.suffix.lower() not in AUDIO_SUFFIXES:
        raise Wrong(
            f"{shown(value)} is not a sound file by its name", f"a name ending in {', '.join(AUDIO_SUFFIXES)}"
        )
    return path


AUDIO_SUFFIXES = (".wav", ".mp3", ".mp2", ".ogg")
AUDIO = Reads(_sound_file, {"type": "string", "pattern": r"\.([wW][aA][vV]|[mM][pP][32]|[oO][gG][gG])$"}, str)
AudioFile = Annotated[Path, AUDIO]
"""A sound file that must exist; relative to the YAML that names it."""


def _folder(text: str) -> Path:
    return Path(_plain(text))


OutputFolder = Annotated[
    Path, words(_folder, "the path of a folder", {"type": "string", "minLength": 1}, str)
]
"""Made when it does not exist; relative to the working folder."""


def _music(value: Any, folder: Path) -> str | Path:
    if isinstance(value, str) and value.startswith("builtin:"):
        if value not in BUILTIN_MUSIC:
            raise Wrong(
                f"{shown(value)} does not exist", " | ".join(BUILTIN_MUSIC) + " | the path of an audio file"
            )
        return value
    return _sound_file(value, folder)


BUILTIN_MUSIC = ("builtin:hold", "builtin:wait", "builtin:transfer")
_MUSIC_SCHEMA = {"anyOf": [{"enum": list(BUILTIN_MUSIC)}, {"type": "string", "minLength": 1}]}
MUSIC = Reads(
    _music,
    {**_MUSIC_SCHEMA, "description": "builtin:hold, builtin:wait, builtin:transfer or an audio file."},
    str,
)
Music = Annotated[str | Path, MUSIC]
"""builtin:NAME as text, or the path of an audio file."""

QueueName = Annotated[Name, Refers("queues")]
AgentName = Annotated[Name, Refers("agents")]
NumberRef = Annotated[PhoneNumber, Refers("numbers")]
TrunkName = Annotated[Name, Refers("trunks")]
HoursName = Annotated[Name, Refers("hours")]
WaitingName = Annotated[Name, Refers("waiting_strategies")]
CapacityName = Annotated[Name, Refers("capacity_profiles")]
CallbackName = Annotated[Name, Refers("callbacks")]
AiAgentName = Annotated[Name, Refers("ai_agents")]
DispositionName = Annotated[Name, Refers("dispositions")]
TemplateName = Annotated[Name, Refers("notification_templates")]
