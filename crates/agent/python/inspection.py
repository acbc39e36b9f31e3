"""What a unit keeps in its own folder between hooks: what was deferred, and what is stored."""

from __future__ import annotations

import contextlib
import os
import pickle
import sqlite3

_STATE = ".unit-state.db"
_JOURNAL = "-journal"


class Storage:
    """The file that ops writes."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, _STATE)
        self._kept: bytes | None = None
        self._shown: dict[tuple[str, bytes], str] = {}

    def keep(self) -> None:
        """Remember the file, for a hook that may be cut off."""
        try:
            with open(self._path, "rb", buffering=0) as file:
                self._kept = file.read()
        except FileNotFoundError:
            self._kept = None

    def restore(self) -> None:
        """Bring back what was there before a hook that counts for nothing."""
        for path in (self._path, self._path + _JOURNAL):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        if self._kept is not None:
            with open(self._path, "wb") as file:
                file.write(self._kept)

    def look(self) -> dict:
        """Return the deferred notices and the stored state."""
        found: dict = {"notices": [], "stored": {}}
        if not os.path.exists(self._path):
            return found
        with contextlib.closing(sqlite3.connect(self._path)) as database:
            with contextlib.suppress(sqlite3.DatabaseError):
                found["notices"] = database.execute(
                    "SELECT event_path, observer_path, method_name FROM notice ORDER BY sequence"
                ).fetchall()
                rows = database.execute("SELECT handle, data FROM snapshot ORDER BY handle").fetchall()
                found["stored"] = {handle: self._show(handle, data) for handle, data in rows}
        return found

    def _show(self, handle: str, data: bytes) -> str:
        """Return a stored value as a text. Most of them are what they were."""
        key = (handle, data)
        if key not in self._shown:
            if len(self._shown) > 1000:
                self._shown.clear()
            self._shown[key] = _shown(data)
        return self._shown[key]


def _shown(data: bytes) -> str:
    try:
        # The charm's own process wrote it, and this one is as caged as that.
        value = pickle.loads(data)
    except Exception as error:
        return f"cannot be read: {type(error).__name__}"
    if isinstance(value, dict):
        value = {name: inner for name, inner in value.items() if name != "event_count"}
    return repr(value)


def files(places: list[str]) -> list[str]:
    """Return the files below some places. What is mounted there is the host's, or Juju's."""
    found: list[str] = []
    device = os.stat("/").st_dev
    for place in places:
        for folder, folders, names in os.walk(place):
            folders[:] = [name for name in folders if _is_on(device, os.path.join(folder, name))]
            paths = (os.path.join(folder, name) for name in names)
            found.extend(path for path in paths if _is_on(device, path))
    return sorted(found)


def _is_on(device: int, path: str) -> bool:
    try:
        return os.lstat(path).st_dev == device
    except OSError:
        return False
