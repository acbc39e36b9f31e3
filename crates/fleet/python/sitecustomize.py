"""Loads charmproof's witness, then whatever sitecustomize it stands in front of."""

import importlib.machinery
import importlib.util
import os
import sys

import charmproof_probe  # noqa: F401

_HERE = os.path.dirname(os.path.abspath(__file__))
_spec = importlib.machinery.PathFinder.find_spec(
    "sitecustomize", [p for p in sys.path if os.path.abspath(p or ".") != _HERE]
)
if _spec is not None and _spec.loader is not None:
    _module = importlib.util.module_from_spec(_spec)
    try:
        _spec.loader.exec_module(_module)
    except Exception:  # noqa: BLE001 - the interpreter would have gone on as well.
        pass
