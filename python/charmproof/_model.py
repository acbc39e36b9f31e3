"""A life of a unit, as the ``charmproof`` program writes it.

The format is described in ``docs/reference/lives.md``; schema 1. Keys that this
version does not know are kept in ``extra`` and written out again, so that a newer program
can be asked through an older package.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import (
    Any,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    cast,
)

from charmproof._binary import run
from charmproof._errors import CharmproofError

SCHEMA = 1
"""The newest schema that this version can read."""


def _no_extra() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Stimulus:
    """Something that happens to a unit or an application, other than a hook.

    What a stimulus is about is in the fields that it needs; the others are ``None``.
    """

    phase: str
    """``setup``, ``operation`` or ``teardown``."""
    by: str
    """Who does it: ``user``, ``cloud``, ``this-charm``, ``other-charm`` or ``juju``."""
    name: str
    """What is done, such as ``integrate`` or ``remote-unit-joins``."""
    application: Optional[str] = None
    """The application that it happens to, if it is not one of its units alone."""
    unit: Optional[str] = None
    """The unit that it happens to, if it is one alone."""
    endpoint: Optional[str] = None
    relation_id: Optional[int] = None
    remote_app: Optional[str] = None
    remote_endpoint: Optional[str] = None
    remote_unit: Optional[str] = None
    storage_id: Optional[str] = None
    container: Optional[str] = None
    notice_key: Optional[str] = None
    check: Optional[str] = None
    secret_id: Optional[str] = None
    secret_revision: Optional[int] = None
    secret_owner: Optional[str] = None
    """``unit``, ``application`` or ``remote``."""
    action: Optional[str] = None
    leader: Optional[bool] = None
    """Whether the unit leads, for ``deploy``."""
    forced: Optional[bool] = None
    """Whether a ``refresh`` does not wait for a hook in error."""
    now: Optional[bool] = None
    """Whether ``charm-reboots`` cuts the hook off."""
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)
    """What a newer program said beside."""


@dataclass(frozen=True)
class Hook:
    """One run of a hook or an action, with all that is needed to run it again."""

    phase: str
    """``setup``, ``operation`` or ``teardown``."""
    unit: str
    """The unit that runs it."""
    name: str
    """The name as Juju writes it: ``db-relation-joined``, ``backup-action``."""
    kind: str
    """The name without what it is about: ``relation-joined``, ``action``."""
    relation_id: Optional[int] = None
    endpoint: Optional[str] = None
    remote_app: Optional[str] = None
    remote_unit: Optional[str] = None
    """The remote unit; ``None`` for a change of the remote application's data."""
    departing_unit: Optional[str] = None
    storage: Optional[str] = None
    storage_id: Optional[str] = None
    container: Optional[str] = None
    notice_id: Optional[str] = None
    notice_type: Optional[str] = None
    notice_key: Optional[str] = None
    check: Optional[str] = None
    secret_id: Optional[str] = None
    secret_label: Optional[str] = None
    secret_revision: Optional[int] = None
    action: Optional[str] = None
    leader: Optional[bool] = None
    """Whether the unit leads while the hook runs."""
    outcome: str = "ok"
    """``ok``, ``missing`` (the charm has no such hook), ``failed``, or ``terminated``."""
    env: Mapping[str, str] = field(default_factory=_no_extra, repr=False)
    """The environment variables that are particular to this hook and unit."""
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)
    """What a newer program said beside."""

    @property
    def is_committed(self) -> bool:
        """Whether Juju keeps what the hook did: it ended well, or there was none to run."""
        return self.outcome in ("ok", "missing")

    @property
    def event(self) -> str:
        """The name of the event as ops writes it: ``db_relation_joined``."""
        return self.name.replace("-", "_")

    def __str__(self) -> str:
        about = "" if self.relation_id is None else f" ({self.endpoint}:{self.relation_id})"
        whom = "" if self.remote_unit is None else f" of {self.remote_unit}"
        how = "" if self.outcome == "ok" else f", {self.outcome}"
        return f"{self.name}{about}{whom}{how}"


@dataclass(frozen=True)
class Marker:
    """What an agent's log says between hooks, such as ``agent-started`` or ``new-pod``."""

    phase: str
    """``setup``, ``operation`` or ``teardown``."""
    unit: str
    """The unit whose agent says it."""
    name: str
    """What it says."""
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)
    """What a newer program said beside."""


@dataclass(frozen=True)
class Begin:
    """A unit begins a hook. It is only told where something happens before the hook ends."""

    phase: str
    """``setup``, ``operation`` or ``teardown``."""
    unit: str
    """The unit that runs the hook."""
    name: str
    """The name of the hook as Juju writes it."""
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)
    """What the hook is about, as in the step at its end."""


@dataclass(frozen=True)
class OtherStep:
    """A step of a kind that this version does not know."""

    phase: str
    """``setup``, ``operation`` or ``teardown``."""
    extra: Mapping[str, Any] = field(default_factory=_no_extra)
    """All that the program said of it."""


Step = Union[Stimulus, Begin, Hook, Marker, OtherStep]
"""One step of a life."""


@dataclass(frozen=True)
class Endpoint:
    """A relation endpoint of a charm."""

    name: str
    role: str
    """``provides``, ``requires`` or ``peer``."""
    interface: Optional[str] = None
    limit: Optional[int] = None
    scope: Optional[str] = None
    """``global`` or ``container``; ``None`` stands for ``global``."""
    optional: Optional[bool] = None
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)


@dataclass(frozen=True)
class CharmStorage:
    """A storage that a charm declares."""

    name: str
    type: Optional[str] = None
    multiple: Optional[str] = None
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)


@dataclass(frozen=True)
class Charm:
    """What the order of hooks depends on, of what a charm declares."""

    name: str
    """The name of the application that it is deployed as."""
    units: int = 1
    """How many units it is deployed with."""
    endpoints: Tuple[Endpoint, ...] = ()
    storages: Tuple[CharmStorage, ...] = ()
    containers: Tuple[str, ...] = ()
    actions: Tuple[str, ...] = ()
    subordinate: bool = False
    extra: Mapping[str, Any] = field(default_factory=_no_extra, repr=False)

    def endpoint(self, name: str) -> Optional[Endpoint]:
        """Return the endpoint called ``name``, if the charm has it."""
        return next((endpoint for endpoint in self.endpoints if endpoint.name == name), None)


@dataclass(frozen=True, repr=False)
class Sequence:
    """One life: what happens to an application and its units, and the hooks that follow."""

    juju: str
    """The line of Juju, such as ``3.6``."""
    platform: str
    """``k8s`` or ``machine``."""
    charm: Charm
    """The charm under test."""
    steps: Tuple[Step, ...]
    """All steps, in the order of time."""
    seed: Optional[int] = None
    """The number that stands for this life, if it was not changed since."""
    charms: Tuple[Charm, ...] = ()
    """The other charms whose units are part of the life, if there are any."""
    quirks: bool = False
    """Whether Juju also does what it does by mistake."""
    schema: int = SCHEMA
    """The version of the format that it was read from."""
    extra: Mapping[str, Any] = field(default_factory=_no_extra)
    """What a newer program said beside."""

    @property
    def hooks(self) -> Tuple[Hook, ...]:
        """All hooks, of all units, in the order of time."""
        return tuple(step for step in self.steps if isinstance(step, Hook))

    @property
    def stimuli(self) -> Tuple[Stimulus, ...]:
        """All stimuli, in the order of time."""
        return tuple(step for step in self.steps if isinstance(step, Stimulus))

    @property
    def events(self) -> Tuple[str, ...]:
        """The names of all hooks, as Juju writes them."""
        return tuple(hook.name for hook in self.hooks)

    @property
    def units(self) -> Tuple[str, ...]:
        """The units whose hooks are here, in the order of their first one."""
        return tuple(dict.fromkeys(hook.unit for hook in self.hooks))

    def story(self) -> str:
        """Return the life as a text for people, as ``charmproof simulate`` prints it."""
        return run(["simulate", "--replay", "-", "--format", "story"], stdin=self.to_json())

    def to_json(self) -> str:
        """Return the life as one line of JSON, for :meth:`from_json` and for the program."""
        return json.dumps(_sequence_to_dict(self), separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: Union[str, bytes]) -> Sequence:
        """Read a life from one line of JSON that the program wrote.

        Raises:
            CharmproofError: if it is no such line, or of a newer schema.
        """
        try:
            found: object = json.loads(text)
        except ValueError as error:
            raise CharmproofError(f"this is no JSON of charmproof: {error}") from error
        return _sequence_from_dict(found)

    def __repr__(self) -> str:
        seed = "" if self.seed is None else f"seed={self.seed}, "
        return (
            f"<Sequence {seed}juju={self.juju}, platform={self.platform}:"
            f" {len(self.stimuli)} stimuli, {len(self.hooks)} hooks>"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print it as briefly where Hypothesis or IPython do; both look for this method."""
        printer.text(repr(self))


# What the keys of the format are called here, where that differs: in Python, `step.name`
# reads better than `hook.hook`.
_STIMULUS_KEYS = {"name": "stimulus"}
_HOOK_KEYS = {"name": "hook"}
_MARKER_KEYS = {"name": "marker"}
_BEGIN_KEYS = {"name": "begins"}

_Record = TypeVar("_Record")
_Names = Mapping[str, str]


def _read(
    record: Type[_Record],
    found: Mapping[str, Any],
    where: str,
    names: Optional[_Names] = None,
    **given: Any,
) -> _Record:
    """Make a ``record`` of the keys that it knows; the rest becomes its ``extra``."""
    names = names or {}
    left = dict(found)
    values: Dict[str, Any] = {}
    for item in fields(cast(Any, record)):
        if item.name == "extra":
            continue
        key = names.get(item.name, item.name)
        if key not in left:
            continue
        value = left.pop(key)
        if item.name in given:
            continue
        _check_type(value, str(item.type), f"{where}: `{key}`")
        values[item.name] = value
    values.update(given)
    values["extra"] = left
    try:
        return record(**values)
    except TypeError as error:
        # The dataclass says which of its fields has no value.
        raise CharmproofError(f"{where}: {_missing(error, names)}") from error


def _missing(error: TypeError, names: _Names) -> str:
    text = str(error)
    _, _, lacking = text.partition("missing ")
    for name, key in names.items():
        lacking = lacking.replace(f"'{name}'", f"'{key}'")
    return f"lacks {lacking}" if lacking else text


# The types that fields have, as they are written above.
_TYPES: Mapping[str, Tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "Optional[str]": (str,),
    "Optional[int]": (int,),
    "Optional[bool]": (bool,),
    "Tuple[str, ...]": (list,),
    "Mapping[str, str]": (dict,),
}


def _check_type(value: Any, annotation: str, where: str) -> None:
    expected = _TYPES[annotation]
    is_one = isinstance(value, expected) and (bool in expected or not isinstance(value, bool))
    if not is_one:
        words = " or ".join(kind.__name__ for kind in expected)
        raise CharmproofError(f"{where} should be {words}, and is {value!r}")


def _record(found: object, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise CharmproofError(f"{where} should be an object, and is {found!r}")
    return cast(Mapping[str, Any], found)


def _list(found: object, where: str) -> List[object]:
    if not isinstance(found, list):
        raise CharmproofError(f"{where} should be a list, and is {found!r}")
    return cast(List[object], found)


def _sequence_from_dict(found: object) -> Sequence:
    where = "this life"
    life = _record(found, where)
    schema = life.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise CharmproofError("this is no life: it has no `schema` (a number)")
    if schema > SCHEMA:
        raise CharmproofError(
            f"this life is of schema {schema}, and this version of charmproof reads schemas up"
            f" to {SCHEMA}: upgrade the Python package, or use the program that came with it"
        )
    steps = _list(life.get("steps"), "`steps`")
    return _read(
        Sequence,
        life,
        where,
        charm=_charm_from_dict(life.get("charm"), "`charm`"),
        charms=tuple(
            _charm_from_dict(charm, "one of `charms`")
            for charm in _list(life.get("charms", []), "`charms`")
        ),
        steps=tuple(_step_from_dict(step, f"step {at}") for at, step in enumerate(steps, 1)),
    )


def _charm_from_dict(found: object, where: str) -> Charm:
    charm = _record(found, where)
    endpoints = _list(charm.get("endpoints", []), f"{where}: `endpoints`")
    storages = _list(charm.get("storages", []), f"{where}: `storages`")
    return _read(
        Charm,
        charm,
        where,
        endpoints=tuple(
            _read(Endpoint, _record(item, "an endpoint"), "an endpoint") for item in endpoints
        ),
        storages=tuple(
            _read(CharmStorage, _record(item, "a storage"), "a storage") for item in storages
        ),
        containers=_names(charm, "containers", where),
        actions=_names(charm, "actions", where),
    )


def _names(charm: Mapping[str, Any], key: str, where: str) -> Tuple[str, ...]:
    return tuple(str(name) for name in _list(charm.get(key, []), f"{where}: `{key}`"))


def _step_from_dict(found: object, where: str) -> Step:
    step = _record(found, where)
    if "stimulus" in step:
        return _read(Stimulus, step, where, _STIMULUS_KEYS)
    if "hook" in step:
        return _read(Hook, step, where, _HOOK_KEYS)
    if "begins" in step:
        return _read(Begin, step, where, _BEGIN_KEYS)
    if "marker" in step:
        return _read(Marker, step, where, _MARKER_KEYS)
    return _read(OtherStep, step, where)


def _write(record: Any, names: Optional[_Names] = None, **given: Any) -> Dict[str, Any]:
    """Return the keys of a ``record``, without those that have no value."""
    names = names or {}
    written: Dict[str, Any] = {}
    for item in fields(record):
        if item.name == "extra":
            continue
        value = given.get(item.name, getattr(record, item.name))
        if value is not None:
            written[names.get(item.name, item.name)] = value
    written.update(record.extra)
    return written


def _step_to_dict(step: Step) -> Dict[str, Any]:
    if isinstance(step, Stimulus):
        return _write(step, _STIMULUS_KEYS)
    if isinstance(step, Hook):
        return _write(step, _HOOK_KEYS)
    if isinstance(step, Begin):
        return _write(step, _BEGIN_KEYS)
    if isinstance(step, Marker):
        return _write(step, _MARKER_KEYS)
    return _write(step)


def _writes(records: Iterable[Any]) -> List[Dict[str, Any]]:
    return [_write(record) for record in records]


def _charm_to_dict(charm: Charm) -> Dict[str, Any]:
    written = _write(
        charm, endpoints=_writes(charm.endpoints), storages=_writes(charm.storages)
    )
    # What is so for most charms is not written.
    return {key: value for key, value in written.items() if (key, value) not in _USUAL}


_USUAL: Tuple[Tuple[str, Any], ...] = (
    ("units", 1),
    ("subordinate", False),
    ("quirks", False),
    ("charms", []),
)


def _sequence_to_dict(sequence: Sequence) -> Dict[str, Any]:
    written = _write(
        sequence,
        charm=_charm_to_dict(sequence.charm),
        charms=[_charm_to_dict(charm) for charm in sequence.charms],
        steps=[_step_to_dict(step) for step in sequence.steps],
    )
    return {key: value for key, value in written.items() if (key, value) not in _USUAL}
