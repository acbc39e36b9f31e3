#!/usr/bin/env python3
"""A guestbook over HTTP: `GET /` shows the entries, `POST /` with a text adds one.

Entries are kept in the database that GUESTBOOK_DATABASE names, or in memory without one.
"""

import html
import http.server
import json
import os
import urllib.request

TITLE = os.environ.get("GUESTBOOK_TITLE", "Guestbook")
PORT = int(os.environ.get("GUESTBOOK_PORT", "8080"))
DATABASE = os.environ.get("GUESTBOOK_DATABASE", "")

# The database is in the same model, whatever proxy the rest of the world is behind.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_memory: list[str] = []


def entries() -> list[str]:
    """Return all entries."""
    if not DATABASE:
        return _memory
    with _direct.open(f"http://{DATABASE}/entries", timeout=10) as response:
        return json.load(response)


def add(entry: str) -> None:
    """Keep one more."""
    if not DATABASE:
        _memory.append(entry)
        return
    _direct.open(f"http://{DATABASE}/entries", data=entry.encode(), timeout=10).close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Show the page."""
        try:
            listed = "".join(f"<li>{html.escape(entry)}</li>" for entry in entries())
        except OSError as error:
            self.send_error(502, f"the database does not answer: {error}")
            return
        self.answer(f"<title>{html.escape(TITLE)}</title><ul>{listed}</ul>")

    def do_POST(self) -> None:
        """Add an entry."""
        entry = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        try:
            add(entry)
        except OSError as error:
            self.send_error(502, f"the database does not answer: {error}")
            return
        self.answer("")

    def answer(self, text: str) -> None:
        """Send a page."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()
