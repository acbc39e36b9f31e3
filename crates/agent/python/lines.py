"""Which lines of the charm's own code ran.

Each statement of the files below `src` notes that it ran, by one store into an array that all
forks share. It is put in when the file is compiled, with the lines that it stands on, so that
tracebacks say what they would say without it. Python before 3.12 has no cheaper way, and a
single way is simpler than two.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import mmap
import sys

import handlers

_LINES_MAX = 1 << 16
_NAME = "__charmproof_lines__"
_RAN, _TOLD = b"\1", b"\2"


class Lines:
    """The lines of a charm, each with a number."""

    def __init__(self, folder: str, imported_as: str) -> None:
        self._folder = folder
        self._imported_as = imported_as
        self._ran = mmap.mmap(-1, _LINES_MAX)
        self._numbers: dict[tuple[str, int], int] = {}
        self.handlers = handlers.Handlers()

    def install(self) -> None:
        """Watch what is imported from now on."""
        # Named as no charm would name anything, so that all modules find it.
        import builtins

        setattr(builtins, _NAME, self._ran)
        sys.meta_path.insert(0, _Finder(self))

    def top(self) -> str:
        """Return the folder whose modules are watched."""
        return self._imported_as + "/src"

    def is_watched(self, path: str) -> bool:
        return path.startswith(self._imported_as + "/src/")

    def compile(self, source: bytes, path: str):
        """Compile a file whose statements say that they ran."""
        tree = ast.parse(source, path)
        self.handlers.look(path[len(self._imported_as) + 1 :], tree)
        _Notes(self, path).visit(tree)
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def number(self, path: str, line: int) -> int | None:
        key = (path[len(self._imported_as) + 1 :], line)
        if key not in self._numbers:
            if len(self._numbers) == _LINES_MAX:
                return None
            self._numbers[key] = len(self._numbers)
        return self._numbers[key]

    def table(self) -> list[tuple[str, int]]:
        """Return file and line of each number."""
        return list(self._numbers)

    def forget(self) -> None:
        """Let all lines count as new again."""
        self._ran[: len(self._numbers)] = bytes(len(self._numbers))

    def news(self) -> list[int]:
        """Return the lines that ran for the first time since somebody asked."""
        found = []
        place = self._ran.find(_RAN, 0, len(self._numbers))
        while place >= 0:
            self._ran[place : place + 1] = _TOLD
            found.append(place)
            place = self._ran.find(_RAN, place + 1, len(self._numbers))
        return found


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def find_spec(self, name, path, target=None):
        # Hooks try to import what is not there, again and again: that is to cost as much as without this.
        watched = self._lines.is_watched
        places = [self._lines.top()] if path is None else [place for place in path if watched(place + "/")]
        if not places or importlib.machinery.PathFinder.find_spec(name, places, target) is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if not self._lines.is_watched(spec.loader.path):
            return None
        spec.loader = _Loader(name, spec.loader.path, self._lines)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, lines: Lines) -> None:
        super().__init__(name, path)
        self._lines = lines

    def get_code(self, fullname):
        # Neither reads nor writes what Python keeps compiled: that is of the file as it is.
        return self._lines.compile(self.get_data(self.path), self.path)


class _Notes(ast.NodeTransformer):
    """Puts a note before each statement."""

    def __init__(self, lines: Lines, path: str) -> None:
        self._lines = lines
        self._path = path

    def generic_visit(self, node):
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, field, self._noted(node, block, field))
        return node

    def _noted(self, node, block, field):
        noted = []
        for place, statement in enumerate(block):
            is_docstring = (
                place == 0
                and field == "body"
                and isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
                and isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
            )
            is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if not is_docstring and not is_future:
                number = self._lines.number(self._path, statement.lineno)
                if number is not None:
                    noted.append(_note(number, statement))
            noted.append(statement)
        return noted


def _note(number: int, before: ast.stmt) -> ast.stmt:
    target = ast.Subscript(value=ast.Name(_NAME, ast.Load()), slice=_index(number), ctx=ast.Store())
    note = ast.Assign(targets=[target], value=ast.Constant(1))
    for node in ast.walk(note):
        node.lineno = node.end_lineno = before.lineno
        node.col_offset = before.col_offset
        node.end_col_offset = before.col_offset
    return note


def _index(number: int):
    constant = ast.Constant(number)
    # Before Python 3.9 an index is a node of its own.
    return constant if sys.version_info >= (3, 9) else ast.Index(constant)
