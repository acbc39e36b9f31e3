"""Memory that forks need not copy.

A fork shares the memory of its parent until one of them writes, and then copies a page. Two kinds
of writing mean nothing to anybody and are avoided: counting the uses of what is there for good,
and filling the gaps between what the parent keeps, which lie on many pages.
"""

from __future__ import annotations

import ctypes
import gc
import struct
import sys
import types

_KEPT_FOR_GOOD = frozenset((
    str, bytes, int, float, complex, tuple, frozenset, dict, list, set, type, staticmethod, classmethod, property,
    types.BuiltinFunctionType, types.CellType, types.ClassMethodDescriptorType, types.CodeType, types.FunctionType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.MethodDescriptorType, types.ModuleType,
    types.WrapperDescriptorType,
))  # fmt: skip
"""Kinds of things at whose end nothing happens that somebody might wait for."""

_IMMORTAL = 0xFFFF_FFFF
_GAP_BYTES_MAX = 1 << 16
_STEP_FROM_BYTES = 1 << 12
_STEP_BYTES = 16
_GAPS_MAX = 200_000


def prepare() -> None:
    """Make forks of this process cheap. What exists now is never freed."""
    gc.collect()
    _keep_for_good()
    gc.freeze()
    _fill_gaps()


def _keep_for_good() -> None:
    """Let Python not count the uses of what is there, as it does for None (PEP 683)."""
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.implementation.name != "cpython" or struct.calcsize("P") != 8 or not has_lock:
        return
    # Versions that have it in another way, or not at all, show that at None.
    if ctypes.c_uint64.from_address(id(None)).value != _IMMORTAL:
        return
    uses_at = ctypes.c_uint32.from_address
    for thing in gc.get_objects():
        kind = type(thing)
        if kind in _KEPT_FOR_GOOD or issubclass(kind, type):
            uses_at(id(thing)).value = _IMMORTAL
        waiting = gc.get_referents(thing)
        # What the garbage collector does not know by itself, down to where it holds nothing.
        while waiting:
            part = waiting.pop()
            if type(part) not in _KEPT_FOR_GOOD or gc.is_tracked(part):
                continue
            uses = uses_at(id(part))
            if uses.value == _IMMORTAL:
                continue
            uses.value = _IMMORTAL
            if type(part) is types.CodeType:
                waiting += (part.co_consts, part.co_names, part.co_varnames, part.co_cellvars, part.co_freevars)
                waiting += (part.co_filename, part.co_name, part.co_qualname, part.co_linetable, part.co_exceptiontable)
            else:
                waiting += gc.get_referents(part)


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of the GNU C library."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def _fill_gaps() -> None:
    """Take all gaps in the heap of C, so that what forks take lies together, at its end."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return
    libc.mallinfo2.restype = _MallocInfo
    libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_size_t, [ctypes.c_ssize_t]
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_size_t, [ctypes.c_size_t]
    libc.free.restype, libc.free.argtypes = None, [ctypes.c_size_t]
    libc.malloc_trim(0)
    malloc = libc.malloc
    end = libc.sbrk(0) - libc.mallinfo2().keepcost
    size = _GAP_BYTES_MAX
    for _ in range(_GAPS_MAX):
        # What does not fit into any gap is taken from the end.
        address = malloc(size - 8)
        if address >= end:
            libc.free(address)
            size = size // 2 if size > _STEP_FROM_BYTES else size - _STEP_BYTES
            if size < _STEP_BYTES:
                return
