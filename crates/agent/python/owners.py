"""Who owns a file: a unit's root filesystem has room for one user, who then owns everything.

The kernel refuses to give a file to anybody else, which root on a real machine may do. So that is
taken for done. What a charm asks about a file's owner is answered with root.
"""

from __future__ import annotations

import errno
import os


def install() -> None:
    """Let files be given away. To be called before the charm is imported, which may keep the functions."""
    for name in ("chown", "lchown", "fchown"):
        setattr(os, name, _lenient(getattr(os, name)))


def _lenient(real):
    def change(*arguments, **options):
        try:
            real(*arguments, **options)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise

    change.__name__ = real.__name__
    return change
