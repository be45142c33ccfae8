"""What every answer tells the browser about what it may do with it."""

from __future__ import annotations

from aiohttp import web

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from another host and nothing inline: what slips through the escaping could still not run."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def guard(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on an answer, errors and streams included (an `on_response_prepare` signal)."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-cache")
