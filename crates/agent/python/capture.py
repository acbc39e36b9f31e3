"""The charm, imported once and run for many hooks.

The program `src/charm.py` is executed as it is, up to its call of `ops.main`, which says what
the charm's class is. A hook then is that call, made anew. Whoever cannot be run so (nothing
calls `ops.main`, or the import itself does the work) is run cold.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import random
import runpy
import sys
import threading
import types
import warnings

import determinism
import import_time
import lines
import owners
import tools
import warmth


_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


class _Reached(BaseException):
    """The program called `ops.main`. No charm catches what it does not know."""


class PreloadFailed(Exception):
    """The user's own file raised something. The charm has no part in it."""


class Unfit(Exception):
    """The charm cannot be imported once for all hooks."""


class Charm:
    """A charm that was imported."""

    def __init__(self, settings: dict) -> None:
        self._settings = settings
        self._folder = settings["import_dir"]
        self._class: type | None = None
        self._main_arguments: dict = {}
        self._names = frozenset(settings["tools"])
        self._environment = dict(os.environ)
        self.lines = lines.Lines(settings["charm_source"], self._folder)

    def ops_version(self) -> str:
        import ops

        return getattr(ops, "__version__", "unknown")

    def load(self) -> None:
        """Import ops and the charm."""
        owners.install()
        determinism.install()
        determinism.begin(0, self._settings["clock"])
        for folder in ("lib", "src"):
            sys.path.insert(0, os.path.join(self._folder, folder))
        os.chdir(self._folder)
        if self._settings["counts_lines"]:
            self.lines.install()
        import ops.main
        import ops.pebble  # noqa: F401

        self._modules = [module for module in (sys.modules.get("ops._main"), sys.modules.get("ops.main")) if module]
        self._real_main = next(module.main for module in self._modules if hasattr(module, "main"))
        self._original = {module: module.main for module in self._modules if hasattr(module, "main")}
        for module in self._original:
            module.main = self._note_class
        before = dict(os.environ)
        watch = import_time.Watch(self._folder)
        watch.begin()
        try:
            follows = self._execute(os.path.join(self._folder, self._settings["program"]))
        finally:
            asked = watch.end()
            # Where the import fails for want of what it asks for, that says more than the failure.
            if asked is not None:
                raise Unfit(asked)
        if self._class is None:
            raise Unfit(f"{self._settings['program']} does not call ops.main")
        if follows is not None:
            raise Unfit(follows)
        for module, main in self._original.items():
            module.main = main
        self._preload()
        if dict(os.environ) != before:
            raise Unfit("it changes its environment when it is imported")

    def _note_class(self, charm_class=None, use_juju_for_storage=None, **options):
        self._class = charm_class
        self._main_arguments = {"use_juju_for_storage": use_juju_for_storage, **options}
        raise _Reached

    def _execute(self, path: str) -> str | None:
        """Run the charm's program up to `ops.main`. Returns what it would do after that."""
        with open(path, "rb") as file:
            source = file.read()
        code = self.lines.compile(source, path) if self._settings["counts_lines"] else compile(source, path, "exec", dont_inherit=True)
        module = types.ModuleType("__main__")
        module.__file__ = path
        self._own_main = sys.modules["__main__"]
        sys.modules["__main__"] = module
        sys.argv = [path]
        try:
            exec(code, module.__dict__)
        except _Reached as reached:
            return import_time.what_follows(reached.__traceback__.tb_next)
        return None

    def _preload(self) -> None:
        """Run what the user gave, which may put stand-ins in the place of whatever it likes."""
        path = self._settings.get("preload")
        if path:
            try:
                runpy.run_path(path, run_name="charmproof_preload")
            except BaseException as error:
                raise PreloadFailed from error

    def run_in_fork(self, hook: dict, agent: tools.Agent) -> int:
        """Run a hook in this process, which does nothing else afterwards."""
        code = self._run(hook, agent, self._class)
        _finish()
        return code

    def run_here(self, hook: dict, agent: tools.Agent) -> int:
        """Run a hook in this process, and be ready for the next one."""
        # What warns once in each process is told again to the next hook.
        forget = getattr(warnings, "_filters_mutated", None)
        if forget is not None:
            forget()
        return self._run_and_put_back(hook, agent, _fresh(self._class))

    def warm_up(self, folder: str) -> None:
        """Run hooks of a charm that is nobody's, so that those of the charm find all prepared."""
        chance = random.getstate()

        def run(environment: dict, charm_class: type, agent: tools.Agent) -> None:
            hook = {"env": environment, "seed": 0, "clock": self._settings["clock"]}
            self._run_and_put_back(hook, agent, _fresh(charm_class))

        try:
            warmth.warm_up(run, self._folder, folder)
        finally:
            random.setstate(chance)
            os.environ.clear()
            os.environ.update(self._environment)

    def _run_and_put_back(self, hook: dict, agent: tools.Agent, charm_class: type) -> int:
        import logging

        excepthook, shown = sys.excepthook, warnings.showwarning
        handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
        try:
            return self._run(hook, agent, charm_class)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.excepthook, warnings.showwarning = excepthook, shown
            logging.getLogger().handlers[:] = handlers
            logging.getLogger().setLevel(level)
            tools.uninstall()

    def _run(self, hook: dict, agent: tools.Agent, charm_class: type) -> int:
        _set_environment(hook["env"])
        os.chdir(hook["env"]["JUJU_CHARM_DIR"])
        sys.argv = [os.path.join(hook["env"]["JUJU_CHARM_DIR"], self._settings["program"])]
        determinism.begin(hook["seed"], hook["clock"])
        tools.install(agent, self._names)
        _forget_caches()
        try:
            self._real_main(charm_class, **self._given())
        except SystemExit as ended:
            return _code_of(ended.code)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            return 1
        return 0

    def _given(self) -> dict:
        return {name: value for name, value in self._main_arguments.items() if value is not None}


def _fresh(charm_class: type) -> type:
    """Return the class, to be used once: ops writes the events of a charm into it."""
    events = type(charm_class.on)
    return type(
        charm_class.__name__,
        (charm_class,),
        {
            "on": type(events.__name__, (events,), {"__module__": events.__module__})(),
            "__module__": charm_class.__module__,
            "__qualname__": charm_class.__qualname__,
            "__doc__": charm_class.__doc__,
        },
    )


def _finish() -> None:
    """Do what Python does at its end: threads, functions that wait for it, files that are open."""
    # It says that the main thread is over, for which other threads may wait, and waits for them.
    threading._shutdown()
    atexit._run_exitfuncs()
    # What was there before the hook is not listed, and was written before it.
    for thing in gc.get_objects():
        if type(thing) in _WRITERS:
            with contextlib.suppress(Exception):
                thing.flush()
    sys.stdout.flush()
    sys.stderr.flush()


def _set_environment(variables: dict[str, str]) -> None:
    """Have these variables and no others. Most are what they were for the last hook."""
    for name in [name for name in os.environ if name not in variables]:
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _forget_caches() -> None:
    log = sys.modules.get("ops.log")
    for value in list(vars(log).values()) if log else ():
        forget = getattr(value, "cache_clear", None)
        if forget is not None:
            forget()


def _code_of(code: object) -> int:
    """Return the exit code that the interpreter makes of what `SystemExit` holds."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1
