#!/usr/bin/env python3
"""Keeps texts: `GET /entries` lists them as JSON, `POST /entries` adds one."""

import http.server
import json
import os

PORT = int(os.environ.get("DATABASE_PORT", "5432"))

_entries: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """List what is kept."""
        self.answer(json.dumps(_entries))

    def do_POST(self) -> None:
        """Keep one more."""
        _entries.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        self.answer("null")

    def answer(self, text: str) -> None:
        """Send JSON."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()
