"""Lives as a strategy, and how they shrink."""

from __future__ import annotations

from typing import List

import pytest
from charmproof import Sequence, Stimulus
from charmproof import _sequences as module
from charmproof.hypothesis import lifecycles
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from making import CHARMS

WEB = CHARMS / "web"

FEW = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    # A new life is a new process, which takes its time on a busy machine.
    suppress_health_check=[HealthCheck.too_slow],
)


@given(life=lifecycles(WEB, platform="k8s"))
@FEW
def test_lives_begin_with_the_deployment_and_are_what_the_program_repairs(life: Sequence) -> None:
    assert life.stimuli[0].name == "deploy"
    assert life.hooks[0].name == "install"
    assert module.repaired(life).steps == life.steps


def smallest(strategy: "st.SearchStrategy[Sequence]", wanted: str) -> Sequence:
    """Return the life that Hypothesis shrinks one with such a hook to."""
    thorough = settings(FEW, max_examples=500, phases=(Phase.generate, Phase.shrink))
    return find(strategy, lambda life: wanted in life.events, settings=thorough)


def names(life: Sequence) -> List[str]:
    return [step.name for step in life.steps if isinstance(step, Stimulus)]


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("install", ["deploy"]),
        ("db-relation-created", ["deploy", "integrate"]),
        ("db-relation-joined", ["deploy", "integrate", "remote-unit-joins"]),
        ("web-pebble-custom-notice", ["deploy", "custom-notice"]),
        ("stop", ["deploy", "remove-unit"]),
    ],
)
def test_lives_shrink_to_what_is_needed(hook: str, expected: List[str]) -> None:
    life = smallest(lifecycles(WEB), hook)
    assert names(life) == expected
    assert {step.outcome for step in life.hooks} == {"ok"}


def test_settings_are_those_of_the_program() -> None:
    strategy = lifecycles(
        WEB, juju="2.9", max_length=3, only=["config-changes"], units=2, phase="operation"
    )
    life = smallest(strategy, "config-changed")
    assert names(life) == ["config-changes"]
    assert (life.juju, {step.phase for step in life.steps}) == ("2.9", {"operation"})
