"""What a charm does while it is imported that it would do anew in each hook.

A warm interpreter imports a charm once, for all hooks. That is no different from importing it in
each of them as long as the import asks for nothing that changes from hook to hook. What asks for
such a thing is noted here, and its charm is run cold.
"""

from __future__ import annotations

import dis
import os
import random
import sys
import types

import determinism

_OF_HOOKS = ("JUJU_", "CHARM_", "OPERATOR_DISPATCH", "CLOUD_API_VERSION")
"""What the names of variables begin with that have another value in each hook, or none."""
_HANDED_ON_BY = ("collections.abc", "determinism", "os", "random", "secrets", "uuid", __name__)
"""Modules that ask on behalf of whoever calls them."""
_NOTHING = {"CACHE", "EXTENDED_ARG", "LOAD_CONST", "NOP", "POP_TOP"}
_RETURNS = {"RETURN_CONST", "RETURN_VALUE"}


class Watch:
    """Notes what is asked for between `begin` and `end`."""

    def __init__(self, folder: str) -> None:
        self._own = tuple(os.path.join(folder, part) + os.sep for part in ("src", "lib"))
        self._noted: list[str] = []
        self._chance: object = None
        self._environment = type(os.environ)

    def begin(self) -> None:
        """Watch."""
        watch = self

        class Environment(self._environment):
            """The environment, as whoever asks sees it."""

            def __getitem__(self, name):
                watch._note_variable(name)
                return super().__getitem__(name)

            def __iter__(self):
                watch.note("all of its environment")
                return super().__iter__()

        self._chance = random.getstate()
        determinism.tell(self.note)
        Environment.__name__ = Environment.__qualname__ = self._environment.__name__
        os.environ.__class__ = Environment

    def end(self) -> str | None:
        """Return what was asked for, in words; None if nothing was."""
        os.environ.__class__ = self._environment
        determinism.tell(None)
        if self._chance != random.getstate():
            self._add("chance")
        if not self._noted:
            return None
        return f"it asks for {', '.join(self._noted)} when it is imported"

    def note(self, what: str) -> None:
        """Note what was asked for, if the charm's own code is who asked."""
        if self._is_asked_by_charm():
            self._add(what)

    def _note_variable(self, name: object) -> None:
        if not isinstance(name, str):
            return
        if name.startswith(_OF_HOOKS):
            # Packages that want to know that are a part of the charm's code, too.
            self._add(f"the variable {name}")
        elif name == "PATH":
            self.note("the variable PATH")

    def _add(self, what: str) -> None:
        if what not in self._noted:
            self._noted.append(what)

    def _is_asked_by_charm(self) -> bool:
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_globals.get("__name__") in _HANDED_ON_BY:
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename.startswith(self._own)


def what_follows(reached: types.TracebackType | None) -> str | None:
    """Return what is left to do once `ops.main` returns, of which a warm interpreter does nothing.

    `reached` leads from the charm's program to where it calls `ops.main`.
    """
    places = []
    while reached is not None and reached.tb_next is not None:
        places.append((reached.tb_frame.f_code, reached.tb_lasti))
        reached = reached.tb_next
    if any(code.co_name == "<module>" for code, _ in places[1:]):
        return "it calls ops.main while one of its modules is imported"
    for code, place in places:
        if _goes_on(code, place):
            return f"{os.path.basename(code.co_filename)} goes on after it has called ops.main"
    return None


def _goes_on(code: types.CodeType, place: int) -> bool:
    """Whether code does anything after the call at a place, or if that fails."""
    # Python before 3.11 has instructions for what later ones write into a table.
    if any(entry.start <= place < entry.end for entry in getattr(dis.Bytecode(code), "exception_entries", ())):
        return True
    for step in dis.get_instructions(code):
        if step.offset > place and step.opname not in _NOTHING:
            return step.opname not in _RETURNS
    return True
