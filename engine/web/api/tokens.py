"""Who asks: bearer tokens (RFC 6750), kept as hashes, compared in constant time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from config.web import Token
from engine.web.api.problem import Problem


class Role(StrEnum):
    """What a token may do; each route names those it is for."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    """Sees queues and agents, and sets the presence of the agent that its token is named after."""
    SERVICE = "service"
    """A program: sees everything but the configuration, and may act on calls and presence."""


EVERYBODY = frozenset(Role)
STAFF = EVERYBODY - {Role.AGENT}
ADMIN = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Who:
    """The bearer of a token."""

    name: str
    role: Role


class Tokens:
    """The tokens of a deployment. Only their SHA-256 hashes are kept."""

    def __init__(self, tokens: Iterable[Token] = ()) -> None:
        self._known: list[tuple[bytes, Who]] = []
        self.replace(tokens)

    def replace(self, tokens: Iterable[Token]) -> None:
        """From now on it is these."""
        self._known = [
            (sha256(token.token.get_secret_value().encode()).digest(), Who(token.name, Role(token.role)))
            for token in tokens
        ]

    def bearer(self, authorization: str) -> Who:
        """Who a request's Authorization header speaks for. Raises Problem 401, or 403 where there are no tokens."""
        if not self._known:
            raise Problem(
                403,
                "this deployment has no tokens, so its API is closed",
                allowed="web: {tokens: [{name: ops, role: admin, token: {env: OPS_TOKEN}}]} in the deployment",
                kind="no-tokens",
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unknown("no token came with the request", "")
        offered = sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for digest, who in self._known:  # all of them, however soon one fits
            if compare_digest(digest, offered):
                found = who
        if found is None:
            raise _unknown("the token is not one of this deployment's", 'error="invalid_token"')
        return found


def _unknown(detail: str, error: str) -> Problem:
    challenge = 'Bearer realm="cordboard"' + (f", {error}" if error else "")
    return Problem(
        401, detail, allowed="Authorization: Bearer TOKEN", headers={"WWW-Authenticate": challenge}
    )


def allow(who: Who, roles: frozenset[Role]) -> None:
    """Raises Problem 403 when a token's role is not one of those."""
    if who.role not in roles:
        names = ", ".join(role.value for role in Role if role in roles)
        raise Problem(403, f"the role {who.role.value} may not do this", allowed=f"a token of role {names}")
