"""What a program that is started anew is told about time and chance; loaded by a .pth file.

It does nothing unless the agent asks for it.
"""

from __future__ import annotations

import json
import os
import runpy
import sys


def begin() -> None:
    """Be as the warm interpreter is: the same clocks, the same chance, the same stand-ins."""
    told = os.environ.pop("CHARMPROOF_DETERMINISM", None)
    if told is None:
        return
    settings = json.loads(told)
    sys.path.insert(0, settings["here"])
    import determinism
    import owners

    sys.path.remove(settings["here"])
    # A charm may have modules of these names itself.
    for own in (determinism, owners):
        sys.modules["charmproof_" + own.__name__] = sys.modules.pop(own.__name__)
    sys.modules["charmproof_cold"] = sys.modules.pop("cold")
    owners.install()
    determinism.install()
    determinism.begin(settings["seed"], settings["clock"])
    if settings["preload"]:
        _preload_before_main(settings["preload"])


def _preload_before_main(path: str) -> None:
    """Run the user's file once the charm calls `ops.main`: it may import the charm's modules."""
    import builtins

    real_import = builtins.__import__

    def importing(name, *rest, **options):
        module = real_import(name, *rest, **options)
        ops_main = sys.modules.get("ops._main") or sys.modules.get("ops.main")
        if ops_main is not None and hasattr(ops_main, "main"):
            builtins.__import__ = real_import
            _wrap(ops_main, path)
        return module

    builtins.__import__ = importing


def _wrap(module, path: str) -> None:
    real_main = module.main

    def main(*arguments, **options):
        runpy.run_path(path, run_name="charmproof_preload")
        return real_main(*arguments, **options)

    module.main = main
