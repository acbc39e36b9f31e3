"""Keeps the files of workload containers between hooks.

``ops.testing`` begins each hook with an empty container, apart from its mounts. In a real
pod, what one hook pushed is there for the next, until the container or the pod goes. So
the files are moved aside after each hook, and mounted again for the next one.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any, Dict, Set

from ops import testing

# What the names of our mounts begin with.
_PREFIX = "charmproof:"


def unmounted(container: testing.Container) -> testing.Container:
    """Return the container without what :meth:`ContainerFiles.mounted` has added."""
    mounts = {
        name: mount for name, mount in container.mounts.items() if not name.startswith(_PREFIX)
    }
    return dataclasses.replace(container, mounts=mounts)


class ContainerFiles:
    """The files of all containers of one unit."""

    def __init__(self, context: testing.Context[Any]) -> None:
        self._context = context

    def forget(self, container: testing.Container) -> None:
        """Delete the files: the container is a new one."""
        shutil.rmtree(self._kept(container), ignore_errors=True)
        shutil.rmtree(self._root(container), ignore_errors=True)

    def mounted(self, container: testing.Container) -> testing.Container:
        """Return the container with its files, for the next hook."""
        # The folder comes back when the charm first talks to Pebble, which tells
        # whether it did.
        shutil.rmtree(self._root(container), ignore_errors=True)
        kept = self._kept(container)
        mounts: Dict[str, testing.Mount] = dict(container.mounts)
        for folder, folders, files in os.walk(str(kept)):
            here = Path(folder)
            empty = [] if folders or files or here == kept else [here]
            for path in [*empty, *(here / name for name in files)]:
                inside = path.relative_to(kept).as_posix()
                mounts[f"{_PREFIX}{inside}"] = testing.Mount(
                    location=f"/{inside}", source=path
                )
        return dataclasses.replace(container, mounts=mounts)

    def keep(self, container: testing.Container) -> None:
        """Take over what the hook left in the container."""
        root, kept = self._root(container), self._kept(container)
        if not root.exists():
            return
        left: Set[Path] = set()
        for folder, folders, files in os.walk(str(root)):
            here = Path(folder)
            for name in [*folders, *files]:
                path = here / name
                inside = path.relative_to(root)
                if path.is_symlink():
                    if Path(os.readlink(str(path))) == kept / inside:
                        left.add(kept / inside)
                elif path.is_dir():
                    (kept / inside).mkdir(parents=True, exist_ok=True)
                    left.add(kept / inside)
                else:
                    (kept / inside).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(str(path), str(kept / inside))
                    # Whoever looks at the container after the hook still finds the file.
                    path.symlink_to(kept / inside)
                    left.add(kept / inside)
        _delete_others(kept, left)

    def _root(self, container: testing.Container) -> Path:
        # Untyped, since the types of ops 2 are incomplete here.
        any_container: Any = container
        return any_container.get_filesystem(self._context)

    def _kept(self, container: testing.Container) -> Path:
        # Beside the folders of `ops.testing`, so that both go with the context.
        return self._root(container).parent.parent / "charmproof" / container.name


def _delete_others(folder: Path, left: Set[Path]) -> None:
    """Delete what the charm has deleted: all but ``left`` and the folders above it."""
    needed = {parent for path in left for parent in [path, *path.parents]}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path in needed:
            continue
        if path.is_dir() and not path.is_symlink():
            # What is in it sorts behind it, and so is gone already.
            path.rmdir()
        else:
            path.unlink()
