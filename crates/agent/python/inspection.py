"""What a unit keeps in its own folder between hooks: what was deferred, and what is stored."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sqlite3

_STATE = ".unit-state.db"


def look(folder: str, what: dict) -> dict:
    """Return the deferred notices, the stored state, and the files that the charm changed."""
    found: dict = {"notices": [], "stored": {}, "files": {}}
    path = os.path.join(folder, _STATE)
    if os.path.exists(path):
        with contextlib.closing(sqlite3.connect(path)) as database:
            with contextlib.suppress(sqlite3.DatabaseError):
                found["notices"] = [
                    list(row) for row in database.execute("SELECT event_path, observer_path, method_name FROM notice ORDER BY sequence")
                ]
                for handle, data in database.execute("SELECT handle, data FROM snapshot ORDER BY handle"):
                    found["stored"][handle] = _shown(handle, data)
    for place in what.get("places", ()):
        _hash_tree(place, found["files"], what.get("files_max", 1000))
    return found


def _shown(handle: str, data: bytes) -> str:
    try:
        # The charm's own process wrote it, and this one is as caged as that.
        value = pickle.loads(data)
    except Exception as error:
        return f"cannot be read: {type(error).__name__}"
    if isinstance(value, dict):
        value = {name: inner for name, inner in value.items() if name != "event_count"}
    return repr(value)


def _hash_tree(place: str, into: dict, files_max: int) -> None:
    for folder, folders, names in os.walk(place):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if len(into) >= files_max:
                return
            try:
                with open(path, "rb") as file:
                    into[path] = hashlib.sha256(file.read(1 << 20)).hexdigest()[:16]
            except OSError:
                continue


def restore(folder: str, what: dict) -> None:
    """Bring back what a hook that was cut off had not committed."""
    path = os.path.join(folder, _STATE)
    kept = path + ".charmproof"
    if what.get("keep"):
        if os.path.exists(path):
            with open(path, "rb") as source, open(kept, "wb") as target:
                target.write(source.read())
        elif os.path.exists(kept):
            os.unlink(kept)
    elif os.path.exists(kept):
        os.replace(kept, path)
    elif os.path.exists(path):
        os.unlink(path)
