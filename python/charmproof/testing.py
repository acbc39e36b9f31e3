"""Plays a life to a charm, in ``ops.testing``.

:func:`play` runs the hooks of a :class:`charmproof.Sequence` one after another, each with
the state that Juju would show to it, and hands on what the charm wrote. It needs
``ops[testing]``, from 2.23 on.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, Union, cast

try:
    from ops import testing
    from ops.testing import errors as _errors
except ImportError as _error:
    raise ImportError(
        "charmproof.testing needs ops with its testing framework: install `ops[testing]>=2.23`"
    ) from _error

from charmproof._errors import CharmproofError
from charmproof._model import Hook, Marker, Sequence, Stimulus
from charmproof._relations import RelationInfo, Remote
from charmproof._world import ActionParams, Config, Ready, Skip, UnitWorld, without_files

__all__ = [
    "CharmRaised",
    "Played",
    "PlayedHook",
    "RelationInfo",
    "Remote",
    "SkippedHook",
    "play",
]


@dataclasses.dataclass(frozen=True)
class PlayedHook:
    """One hook that the charm ran."""

    step: int
    """Where it is in ``Sequence.steps``, from 0."""
    hook: Hook
    """The hook."""
    state_in: testing.State
    """What Juju showed to the charm."""
    state_out: Optional[testing.State]
    """What the charm made of it; nothing if the charm raised."""
    error: Optional[Exception] = None
    """What the charm raised."""
    action_results: Optional[Mapping[str, Any]] = None
    """The results of an action."""
    action_failure: Optional[str] = None
    """The message of an action that failed."""

    @property
    def is_committed(self) -> bool:
        """Whether Juju keeps what the charm wrote; not so if the hook or the charm failed."""
        return self.hook.is_committed and self.state_out is not None

    def __str__(self) -> str:
        return f"step {self.step}: {self.hook}"


@dataclasses.dataclass(frozen=True)
class SkippedHook:
    """One hook that was not played."""

    step: int
    """Where it is in ``Sequence.steps``, from 0."""
    hook: Hook
    """The hook."""
    reason: str
    """Why not."""

    def __str__(self) -> str:
        return f"step {self.step}: {self.hook} is skipped: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Played:
    """What came of a life."""

    sequence: Sequence
    """The life."""
    unit: str
    """The unit whose hooks were played."""
    hooks: Tuple[PlayedHook, ...]
    """The hooks that the charm ran, in their order."""
    skipped: Tuple[SkippedHook, ...]
    """The hooks that were not played, and why."""
    state: testing.State
    """The state after the last step."""

    @property
    def errors(self) -> Tuple[PlayedHook, ...]:
        """The hooks in which the charm raised."""
        return tuple(played for played in self.hooks if played.error is not None)


class CharmRaised(_errors.UncaughtCharmError):
    """The charm raised in a hook that Juju can really run at that point.

    Its cause is what the charm raised.
    """

    played: PlayedHook
    """The hook."""
    sequence: Sequence
    """The life, of which the steps up to ``played.step`` are needed to see it again."""

    def __init__(self, message: str, played: PlayedHook, sequence: Sequence) -> None:
        super().__init__(message)
        self.played = played
        self.sequence = sequence


def play(
    context: testing.Context[Any],
    sequence: Sequence,
    state: Optional[testing.State] = None,
    *,
    config: Iterable[Config] = (),
    remote: Optional[Remote] = None,
    action_params: Optional[ActionParams] = None,
    on_hook: Optional[Callable[[PlayedHook], None]] = None,
    on_error: str = "raise",
) -> Played:
    """Run the hooks of one unit of ``sequence``, each on the state that the last one left.

    The unit is the one that ``context`` stands for: ``Context(..., app_name=…, unit_id=…)``.

    Args:
        context: runs the charm. Its ``juju_version`` is that of the life while it plays.
        sequence: the life, from :func:`charmproof.sequences` or
            :func:`charmproof.hypothesis.lifecycles`.
        state: how the world is before the first hook: configuration, secrets that the
            charm may read, resources, and containers with their execs and mounts.
            Relations and storages come and go with the hooks.
        config: what changes with each ``config-changes`` stimulus, one after another;
            when there is no more, the configuration stays as it is, as when an address
            changes.
        remote: what the other ends of relations write; nothing, unless told.
        action_params: the parameters of each action, by its name.
        on_hook: is called after each hook, to look whether what should always hold does.
        on_error: ``raise``, or ``record`` to note what the charm raises and go on, as if
            somebody had run ``juju resolved --no-retry``.

    Raises:
        CharmRaised: if the charm raises. It is an ``UncaughtCharmError`` of
            ``ops.testing``, and its cause is what the charm raised.
        CharmproofError: if ``context`` and ``sequence`` do not fit together.
    """
    if on_error not in ("raise", "record"):
        raise ValueError(f"`on_error` is 'raise' or 'record', not {on_error!r}")
    unit = _unit(context, sequence)
    world = UnitWorld(
        context,
        sequence,
        unit,
        testing.State() if state is None else state,
        iter(config),
        remote or Remote(),
        action_params or {},
    )
    juju_version = context.juju_version
    hooks: List[PlayedHook] = []
    skipped: List[SkippedHook] = []
    try:
        for at, step in enumerate(sequence.steps):
            if isinstance(step, Stimulus):
                world.happen(step)
            elif isinstance(step, Marker):
                world.mark(step)
            elif isinstance(step, Hook) and step.unit == unit:
                done = _play_one(context, world, at, step)
                if isinstance(done, SkippedHook):
                    skipped.append(done)
                    continue
                hooks.append(done)
                if done.error is not None and on_error == "raise":
                    raise _charm_raised(done, sequence) from done.error
                if on_hook is not None:
                    _look(on_hook, done, sequence)
    finally:
        context.juju_version = juju_version
    return Played(sequence, unit, tuple(hooks), tuple(skipped), world.state)


def _unit(context: testing.Context[Any], sequence: Sequence) -> str:
    """Return the unit of ``sequence`` that ``context`` stands for."""
    units = sequence.units
    found: Dict[str, Any] = vars(context)
    # Before ops 3, the context keeps the two to itself, and lets the charm name the application.
    app = found.get("app_name") or found.get("_app_name") or sequence.charm.name
    number = found.get("unit_id", found.get("_unit_id", 0)) or 0
    unit = f"{app}/{number}"
    if units and unit not in units:
        raise CharmproofError(
            f"the context stands for unit {unit}, and the life has {', '.join(units)}:"
            " give `app_name` and `unit_id` to the Context"
        )
    return unit


def _play_one(
    context: testing.Context[Any], world: UnitWorld, at: int, hook: Hook
) -> Union[PlayedHook, SkippedHook]:
    ready = world.begin(hook)
    if isinstance(ready, Skip):
        world.end(hook, None, None)
        return SkippedHook(at, hook, ready.reason)
    context.juju_version = hook.env.get("JUJU_VERSION", context.juju_version)
    after: Optional[testing.State] = None
    error: Optional[Exception] = None
    action_failure: Optional[str] = None
    try:
        after = _run(context, ready)
    except testing.ActionFailed as failure:
        # Its type says that this is a state of another class; it never is.
        after, action_failure = cast(testing.State, failure.state), failure.message
    except _errors.UncaughtCharmError as raised:
        cause = raised.__cause__
        error = cause if isinstance(cause, Exception) else raised
    except _NotThere as missing:
        world.end(hook, None, None)
        return SkippedHook(at, hook, str(missing))
    state_out = None if after is None else without_files(after)
    world.end(hook, ready, state_out)
    results = context.action_results if hook.kind == "action" else None
    return PlayedHook(
        step=at,
        hook=hook,
        state_in=without_files(ready.state),
        state_out=state_out,
        error=error,
        action_results=dict(results) if results else None,
        action_failure=action_failure,
    )


class _NotThere(Exception):
    """This version of ops.testing lacks what a hook needs."""


def _run(context: testing.Context[Any], ready: Ready) -> testing.State:
    if not ready.context_changes:
        return context.run(ready.event, ready.state)
    # Events can not say that it is the remote application that changed, nor that it is
    # the unit itself that departs. So what ops takes for its environment is corrected,
    # after the charm is made and before the event is emitted.
    with context(ready.event, ready.state) as manager:
        inner: Dict[str, Any] = vars(manager.ops)
        if "_juju_context" not in inner:
            changed = ", ".join(ready.context_changes)
            raise _NotThere(f"this version of ops.testing does not let {changed} be set")
        inner["_juju_context"] = dataclasses.replace(
            inner["_juju_context"], **ready.context_changes
        )
        return manager.run()


def _look(
    on_hook: Callable[[PlayedHook], None], played: PlayedHook, sequence: Sequence
) -> None:
    try:
        on_hook(played)
    except Exception as error:
        # From Python 3.11 on, an exception can say where it comes from.
        add_note: Optional[Callable[[str], None]] = getattr(error, "add_note", None)
        if add_note is not None:
            add_note(f"after {_place(played, sequence)}")
        raise


def _charm_raised(played: PlayedHook, sequence: Sequence) -> CharmRaised:
    steps = sequence.steps[: played.step]
    hooks = [step for step in steps if isinstance(step, Hook) and step.unit == played.hook.unit]
    before = [f"  {hook}" for hook in hooks[-5:]]
    text = "\n".join(
        [
            f"the charm raised {played.error!r} in {_place(played, sequence)}",
            *(["the hooks before were:", *before] if before else []),
        ]
    )
    return CharmRaised(text, played, sequence)


def _place(played: PlayedHook, sequence: Sequence) -> str:
    seed = "" if sequence.seed is None else f" of seed {sequence.seed}"
    return f"{played.hook} on {played.hook.unit} (step {played.step}{seed})"
