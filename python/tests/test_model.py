"""Lives are read as the program writes them, and written as they were read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
from charmproof import Begin, CharmproofError, Hook, Marker, OtherStep, Sequence, Stimulus

LIVES = Path(__file__).parent / "lives"


def read(name: str) -> Sequence:
    return Sequence.from_json((LIVES / f"{name}.json").read_text())


def test_a_life_is_read() -> None:
    life = read("small")
    assert (life.seed, life.juju, life.platform, life.charm.name) == (7, "3.6", "k8s", "web")
    assert [type(step) for step in life.steps] == [
        Stimulus,
        Marker,
        Hook,
        Stimulus,
        Hook,
        Begin,
        Stimulus,
        Hook,
    ]
    deploy, integrate, action = life.stimuli
    assert (deploy.name, deploy.unit, deploy.leader) == ("deploy", "web/0", True)
    assert (integrate.by, integrate.application, integrate.relation_id) == ("user", "web", 3)
    assert (action.name, action.action) == ("action-runs", "backup")
    install, joined, backup = life.hooks
    assert (install.is_committed, install.remote_unit) == (True, None)
    assert (joined.kind, joined.remote_unit, joined.is_committed) == (
        "relation-joined",
        "pg/0",
        False,
    )
    assert joined.env == {"JUJU_RELATION_ID": "db:3"}
    assert (backup.name, backup.kind, backup.action) == ("backup-action", "action", "backup")
    assert life.events == ("install", "db-relation-joined", "backup-action")
    assert life.units == ("web/0",)


def test_what_the_charm_declares_is_read() -> None:
    charm = read("small").charm
    database = charm.endpoint("db")
    assert database is not None
    assert (database.role, database.limit, database.scope, database.optional) == (
        "requires",
        1,
        None,
        True,
    )
    assert charm.endpoint("cache") is None
    assert [storage.multiple for storage in charm.storages] == ["0-"]
    assert (charm.containers, charm.actions) == (("web",), ("backup",))
    assert (charm.subordinate, charm.units) == (True, 2)
    assert [other.name for other in read("small").charms] == ["pg"]
    assert read("small").quirks
    assert not read("from-the-future").charm.subordinate


@pytest.mark.parametrize("name", ["small", "from-the-future"])
def test_what_is_written_is_what_was_read(name: str) -> None:
    text = (LIVES / f"{name}.json").read_text()
    life = Sequence.from_json(text)
    assert json.loads(life.to_json()) == json.loads(text)
    assert Sequence.from_json(life.to_json()) == life


def test_what_is_not_known_yet_is_kept() -> None:
    life = read("from-the-future")
    invade, dream, hook = life.steps
    assert isinstance(invade, Stimulus)
    assert (invade.name, invade.by) == ("invade", "martians")
    assert invade.extra == {"with": {"ships": 3}}
    assert isinstance(dream, OtherStep)
    assert dream.extra == {"unit": "web/0", "dream": "of sheep"}
    assert isinstance(hook, Hook)
    assert (hook.outcome, hook.is_committed, hook.extra) == ("surprised", False, {"glow": True})
    assert life.extra == {"weather": "fine"}
    assert life.seed is None


def test_lives_and_hooks_say_briefly_what_they_are() -> None:
    life = read("small")
    assert repr(life) == "<Sequence seed=7, juju=3.6, platform=k8s: 3 stimuli, 3 hooks>"
    assert [str(hook) for hook in life.hooks] == [
        "install",
        "db-relation-joined (db:3) of pg/0, failed",
        "backup-action",
    ]
    assert life.hooks[1].event == "db_relation_joined"


def changed(**changes: Any) -> str:
    life: Dict[str, Any] = json.loads((LIVES / "small.json").read_text())
    life.update(changes)
    return json.dumps({key: value for key, value in life.items() if value is not None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no JSON of charmproof: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "this life should be an object, and is []"),
        ("{}", "this is no life: it has no `schema` (a number)"),
        (changed(schema=True), "this is no life: it has no `schema` (a number)"),
        (
            changed(schema=2),
            "this life is of schema 2, and this version of charmproof reads schemas up to 1:"
            " upgrade the Python package, or use the program that came with it",
        ),
        (changed(juju=None), "this life: lacks 1 required positional argument: 'juju'"),
        (changed(juju=3.6), "this life: `juju` should be str, and is 3.6"),
        (changed(seed=True), "this life: `seed` should be int, and is True"),
        (changed(charm=None), "`charm` should be an object, and is None"),
        (changed(steps={}), "`steps` should be a list, and is {}"),
        (changed(steps=[{}]), "step 1: lacks 1 required positional argument: 'phase'"),
        (
            changed(steps=[{"phase": "setup", "hook": "install"}]),
            "step 1: lacks 2 required positional arguments: 'unit' and 'kind'",
        ),
        (
            changed(steps=[{"phase": "setup", "by": "user", "stimulus": 3}]),
            "step 1: `stimulus` should be str, and is 3",
        ),
        (changed(steps=["install"]), "step 1 should be an object, and is 'install'"),
    ],
)
def test_what_is_no_life_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(CharmproofError) as caught:
        Sequence.from_json(text)
    assert str(caught.value) == message
    assert caught.value.exit_code is None
