"""Which handlers a charm has: the functions that its own code gives to `observe`.

They are read from the source, as they would be by a person: what is put together while the charm
runs is not known. A handler that a library has is the library's.
"""

from __future__ import annotations

import ast


class Handlers:
    """The handlers of the files that were looked at."""

    def __init__(self) -> None:
        self._observed: dict[str, list[str]] = {}
        self._functions: dict[str, tuple[str, int, int]] = {}

    def look(self, file: str, tree: ast.AST) -> None:
        """Take note of what a file observes, and of its functions. The first of a name counts."""
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = [line for statement in node.body for line in (statement.lineno, getattr(statement, "end_lineno", statement.lineno))]
                self._functions.setdefault(node.name, (file, min(body), max(body)))
            elif isinstance(node, ast.Call):
                self._note(node)

    def _note(self, call: ast.Call) -> None:
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "observe":
            return
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        event = call.args[0] if call.args else given.get("bound_event")
        handler = call.args[1] if len(call.args) > 1 else given.get("observer")
        if event is None or not isinstance(handler, ast.Attribute):
            return
        events = self._observed.setdefault(handler.attr, [])
        name = event.attr if isinstance(event, ast.Attribute) else "several events"
        if name not in events:
            events.append(name)

    def table(self) -> list[dict]:
        """Return each handler with its events, and the lines of its body."""
        found = []
        for name, events in self._observed.items():
            if name in self._functions:
                file, first, last = self._functions[name]
                found.append({"name": name, "events": events, "file": file, "first": first, "last": last})
        return found
