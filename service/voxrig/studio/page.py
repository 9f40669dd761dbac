"""The page itself: files that were built, and what is said where they were not."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from .refusal import Refusal

FOLDER = Path(__file__).parent / "page"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' blob: ws: wss:; "
    "img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer."""
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>voxrig studio</title>
<body><h1>voxrig studio</h1>
<p>The page is not built yet: run <code>make studio-build</code> in the project, and load this again.</p>
<p>The server is well: <a href="/api/about">/api/about</a>.</p></body></html>
"""
_FOR_EVER = "public, max-age=31536000, immutable"


def index() -> web.StreamResponse:
    """The page, or what to do for one."""
    file = FOLDER / "index.html"
    if not file.is_file():
        return web.Response(text=_MISSING, content_type="text/html")
    return web.FileResponse(file, headers={"Cache-Control": "no-cache"})


def asset(path: str) -> web.StreamResponse:
    """A file of the page. Raises Refusal."""
    root = FOLDER.resolve()
    try:
        file = (root / path).resolve()
        there = file.is_relative_to(root) and file.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise Refusal(404, "there is nothing at this address")
    hashed = path.startswith("assets/")
    return web.FileResponse(file, headers={"Cache-Control": _FOR_EVER if hashed else "no-cache"})
