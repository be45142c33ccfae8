"""Digest authentication, as server and as client (RFC 7616, RFC 8760, RFC 3261 section 22).

The server keeps nothing: a nonce is a time stamp under an HMAC that also covers the peer's address, so that
what was overheard is of no use from elsewhere or later.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from engine.sip.errors import BadCredentials, BadUri
from engine.sip.flow import is_address
from engine.sip.header import quoted, unquoted
from engine.sip.message import Request, Response
from engine.sip.uri import parse_uri

NONCE_LIFE: Final = 300.0
"""Seconds for which a nonce may be used."""
ALGORITHMS: Final = ("SHA-256", "MD5")
"""What we offer and take, the stronger first (RFC 8760 section 2.4)."""
_PAIR = re.compile(r'[ \t,]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*("[^"\\]*(?:\\.[^"\\]*)*"|[^\s,"]*)')
_SCHEME = re.compile(r"[ \t,]*([A-Za-z]+)[ \t]+(?=[A-Za-z0-9_-]+[ \t]*=)")
_NOBODY: Final = "\x00 no such user"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a peer that challenges us."""

    user: str
    password: str
    realm: str | None = None
    """The only realm these are for; None: the realm of the first challenge, then no other."""


class Verdict(Enum):
    """What the server makes of the credentials in a request."""

    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"
    GOOD = "good"


def digest_params(text: str) -> dict[str, str]:
    """The parameters of `Digest name=value, ...`, names in lower case. Raises BadCredentials."""
    match = _SCHEME.match(text)
    if match is None or match[1].lower() != "digest":
        raise BadCredentials(f"{text[:20]!r} is not a Digest header")
    return _pairs(text, match.end())[0]


def _pairs(text: str, at: int) -> tuple[dict[str, str], int]:
    """Read pairs from `at`; stops in front of the next scheme or at the end."""
    found: dict[str, str] = {}
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            if text[at:].strip(" \t,") and _SCHEME.match(text, at) is None:
                raise BadCredentials(f"{text[at : at + 30]!r} cannot be read in a Digest header")
            break
        found.setdefault(match[1].lower(), unquoted(match[2]))
        at = match.end()
    return found, at


@lru_cache(1024)
def _secret_hash(algorithm: str, user: str, realm: str, password: str) -> str:
    return _hash(algorithm, f"{user}:{realm}:{password}")


def _hash(algorithm: str, text: str | bytes) -> str:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest() if algorithm == "SHA-256" else hashlib.md5(data).hexdigest()


def digest_response(given: dict[str, str], secret: str, method: str, body: bytes) -> str:
    """The `response` that these parameters and this password make (RFC 7616 section 3.4.1).

    Without qop the older form of RFC 2069 is computed. Raises BadCredentials for an algorithm or qop we do
    not know.
    """
    algorithm = _algorithm(given)
    qop = given.get("qop", "").lower()
    request_hash = f"{method}:{given.get('uri', '')}"
    if qop == "auth-int":
        request_hash += ":" + _hash(algorithm, body)
    elif qop not in ("", "auth"):
        raise BadCredentials(f"qop {qop[:20]!r} is not served; allowed are auth and auth-int")
    ha1 = _secret_hash(algorithm, given.get("username", ""), given.get("realm", ""), secret)
    ha2 = _hash(algorithm, request_hash)
    nonce = given.get("nonce", "")
    if not qop:
        return _hash(algorithm, f"{ha1}:{nonce}:{ha2}")
    return _hash(
        algorithm, f"{ha1}:{nonce}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given['qop']}:{ha2}"
    )


def _algorithm(given: dict[str, str]) -> str:
    name = given.get("algorithm", "MD5").upper()
    if name not in ALGORITHMS:
        raise BadCredentials(f"algorithm {name[:20]!r} is not served; allowed are {', '.join(ALGORITHMS)}")
    return name


class Challenger:
    """The server's side for one realm."""

    def __init__(
        self,
        realm: str,
        key: bytes,
        secret_of: Callable[[str], str | None],
        algorithms: Sequence[str] = ALGORITHMS,
    ) -> None:
        """`algorithms`: what is offered and taken, the preferred one first."""
        self._realm, self._key, self._secret_of = realm, key, secret_of
        self._algorithms = tuple(algorithms)

    def nonce(self, host: str, now: float) -> str:
        """A nonce for the peer at that address."""
        stamp = f"{int(now * 1000):x}"
        return f"{stamp}.{self._seal(stamp, host)}"

    def _seal(self, stamp: str, host: str) -> str:
        return hmac.digest(self._key, f"{stamp}|{host}|{self._realm}".encode(), "sha256").hex()[:32]

    def _fresh(self, nonce: str, host: str, now: float) -> bool:
        stamp, _, seal = nonce.partition(".")
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), self._seal(stamp, host).encode()):
            return False
        return 0 <= now - int(stamp, 16) / 1000 + 0.001 <= NONCE_LIFE

    def headers(self, host: str, now: float, *, stale: bool) -> tuple[tuple[str, str], ...]:
        """The WWW-Authenticate headers of a 401, one for each algorithm."""
        nonce, suffix = self.nonce(host, now), ", stale=true" if stale else ""
        return tuple(
            (
                "WWW-Authenticate",
                f'Digest realm={quoted(self._realm)}, nonce="{nonce}", algorithm={name}, qop="auth"{suffix}',
            )
            for name in self._algorithms
        )

    def check(self, request: Request, now: float) -> tuple[Verdict, str]:
        """The verdict and the user name that was claimed. The work is the same for users that do
        not exist.
        """
        for line in request.lines("authorization"):
            try:
                given = digest_params(line)
                if given.get("realm") == self._realm:
                    return self._judge(given, request, now), given.get("username", "")
            except BadCredentials:
                return Verdict.WRONG, ""
        return Verdict.MISSING, ""

    def _judge(self, given: dict[str, str], request: Request, now: float) -> Verdict:
        if _algorithm(given) not in self._algorithms:
            return Verdict.WRONG
        user = given.get("username", "")
        secret = self._secret_of(user)
        wanted = digest_response(given, _NOBODY if secret is None else secret, request.method, request.body)
        right = hmac.compare_digest(
            wanted.encode(), given.get("response", "").lower().encode("utf-8", "replace")
        )
        if secret is None or not right or not _same_target(given.get("uri", ""), request.uri):
            return Verdict.WRONG
        return Verdict.GOOD if self._fresh(given.get("nonce", ""), request.flow.host, now) else Verdict.STALE


def _same_target(claimed: str, uri: str) -> bool:
    """Credentials are for one target; ports and parameters may be rewritten on the way, the user may not, nor the
    host, but for phones that name the address they send to where the Request-URI has the domain.
    """
    if claimed == uri:
        return True
    try:
        ours, theirs = parse_uri(uri), parse_uri(claimed)
    except BadUri:
        return False
    return ours.user == theirs.user and (ours.host == theirs.host or is_address(theirs.host))


class Responder:
    """The client's side for one request: answers each challenge once (RFC 3261 section 22.3)."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._realm = credentials.realm
        self._stale_tried: set[str] = set()
        self._lines: dict[str, str] = {}

    def answer(self, response: Response, uri: str, method: str, body: bytes, cnonce: str) -> str:
        """Header lines for the next attempt, all that is known so far; "" when there is nothing
        left to try.
        """
        before = dict(self._lines)
        for challenge, credential in (
            ("www-authenticate", "Authorization"),
            ("proxy-authenticate", "Proxy-Authorization"),
        ):
            chosen = strongest(response.lines(challenge), self._realm)
            if chosen is None or not self._may_try(credential, chosen):
                continue
            self._realm = chosen.get("realm", "")
            self._lines[credential] = self._credential(chosen, uri, method, body, cnonce)
        return self.lines() if self._lines != before else ""

    def lines(self) -> str:
        """The credentials of the last attempt as header lines; an ACK repeats them (RFC 3261
        section 22.1).
        """
        return "".join(f"{name}: {value}\r\n" for name, value in self._lines.items())

    def _may_try(self, credential: str, chosen: dict[str, str]) -> bool:
        if credential not in self._lines:
            return True
        if chosen.get("stale", "").lower() == "true" and credential not in self._stale_tried:
            self._stale_tried.add(credential)
            return True
        return False

    def _credential(self, chosen: dict[str, str], uri: str, method: str, body: bytes, cnonce: str) -> str:
        given = {
            "username": self._credentials.user,
            "realm": chosen.get("realm", ""),
            "nonce": chosen.get("nonce", ""),
            "uri": uri,
            "algorithm": _algorithm(chosen),
        }
        qops = {name.strip().lower() for name in chosen.get("qop", "").split(",")} - {""}
        if qops:
            given |= {"qop": "auth" if "auth" in qops else "auth-int", "nc": "00000001", "cnonce": cnonce}
        given["response"] = digest_response(given, self._credentials.password, method, body)
        if "opaque" in chosen:
            given["opaque"] = chosen["opaque"]
        if "algorithm" not in chosen:
            del given["algorithm"]
        bare = ("algorithm", "qop", "nc")
        return "Digest " + ", ".join(f"{k}={v if k in bare else quoted(v)}" for k, v in given.items())


def strongest(lines: list[str], realm: str | None) -> dict[str, str] | None:
    """The challenge to answer: of our realm, of an algorithm and qop that we know, the strongest; None if
    none is.
    """
    usable = [found for line in lines for found in _challenges(line) if _usable(found, realm)]
    return min(usable, key=lambda found: ALGORITHMS.index(_algorithm(found)), default=None)


def _usable(found: dict[str, str], realm: str | None) -> bool:
    qops = {name.strip().lower() for name in found.get("qop", "").split(",")} - {""}
    known = found.get("algorithm", "MD5").upper() in ALGORITHMS
    return known and (not qops or bool(qops & {"auth", "auth-int"})) and realm in (None, found.get("realm"))


def _challenges(line: str) -> list[dict[str, str]]:
    """Every Digest challenge of one header line; other schemes and unreadable ones are passed over."""
    found: list[dict[str, str]] = []
    at = 0
    while (match := _SCHEME.match(line, at)) is not None:
        try:
            pairs, at = _pairs(line, match.end())
        except BadCredentials:
            break
        if match[1].lower() == "digest":
            found.append(pairs)
    return found
