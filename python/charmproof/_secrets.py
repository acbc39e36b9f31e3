"""Which secret of the charm a secret hook is about.

A generated life invents secrets, and the charm under test has its own. A hook is played
for a secret that the charm really has, as Juju would; where there is none, Juju could not
have run the hook for this charm, and it is skipped.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Optional, Set, Tuple, Union

import ops
from ops import testing

from charmproof._model import Hook, Stimulus

_OWNERS = {"unit": "unit", "application": "app", "remote": None}


@dataclasses.dataclass(frozen=True)
class NoSuchSecret:
    """Why a hook can not be about any secret of the charm."""

    reason: str


class Secrets:
    """The secrets of one unit, as far as hooks tell of them."""

    def __init__(self) -> None:
        # The secret of the state that a secret of the life stands for.
        self._bound: Dict[str, str] = {}
        self._owners: Dict[str, Optional[str]] = {}
        self._latest: Dict[str, int] = {}
        self._told_unused: Set[Tuple[str, int]] = set()

    def happen(self, stimulus: Stimulus) -> None:
        """Note who owns a secret."""
        if stimulus.secret_id is not None and stimulus.secret_owner is not None:
            self._owners[stimulus.secret_id] = _OWNERS.get(stimulus.secret_owner)

    def find(self, hook: Hook, state: testing.State) -> Union[testing.Secret, NoSuchSecret]:
        """Return the secret of the state that ``hook`` is about."""
        if hook.secret_id is None:
            return NoSuchSecret("it does not say which secret it is about")
        theirs = hook.kind == "secret-changed"
        owner = None if theirs else self._owners.get(hook.secret_id, "unit")
        bound = self._bound.get(hook.secret_id, hook.secret_id)
        taken = set(self._bound.values()) - {bound}
        candidates = [
            secret
            for secret in sorted(state.secrets, key=lambda secret: secret.id)
            if secret.owner == owner and secret.id not in taken
        ]
        exact = [secret for secret in candidates if secret.id == bound]
        fitting = [secret for secret in candidates if _fits(hook, secret)]
        for secret in exact or fitting or candidates:
            self._bound[hook.secret_id] = secret.id
            return secret
        if theirs:
            return NoSuchSecret(
                "the charm may read no secret of others: put one into `State.secrets`"
            )
        return NoSuchSecret(f"the charm has no secret (left) that the {owner} owns")

    def revision_for(
        self, hook: Hook, secret: testing.Secret
    ) -> Union[int, NoSuchSecret, None]:
        """Return the revision that the hook is about; ``None`` where it is about none."""
        latest = self._latest.get(secret.id, 1)
        wanted = hook.secret_revision or 1
        if hook.kind == "secret-rotate":
            if not _fits(hook, secret):
                return NoSuchSecret("the charm's secret has no rotation policy")
            return None
        if hook.kind == "secret-expired":
            if not _fits(hook, secret):
                return NoSuchSecret("the charm's secret does not expire")
            return min(wanted, latest)
        if hook.kind == "secret-remove":
            unused = [
                revision
                for revision in range(1, latest)
                if (secret.id, revision) not in self._told_unused
            ]
            if not unused:
                return NoSuchSecret("all revisions that the charm made are in use")
            return wanted if wanted in unused else unused[0]
        return None

    def told(self, hook: Hook, secret: testing.Secret, revision: Optional[int]) -> None:
        """Note that the charm was told: nobody hears of an unused revision twice."""
        if hook.kind == "secret-remove" and revision is not None:
            self._told_unused.add((secret.id, revision))

    def revise(self, secret: testing.Secret) -> int:
        """Note that somebody made a new revision, and return its number."""
        self._latest[secret.id] = self._latest.get(secret.id, 1) + 1
        return self._latest[secret.id]

    def committed(self, before: testing.State, after: testing.State) -> None:
        """Note the revisions that the charm made of its own secrets."""
        old = {secret.id: secret for secret in before.secrets}
        for secret in after.secrets:
            known = old.get(secret.id)
            is_new = known is not None and known.latest_content != secret.latest_content
            if is_new and secret.owner is not None:
                self.revise(secret)


def _fits(hook: Hook, secret: testing.Secret) -> bool:
    """Whether Juju could run the hook for a secret that the charm made like this."""
    if hook.kind == "secret-rotate":
        return secret.rotate not in (None, ops.SecretRotate.NEVER)
    if hook.kind == "secret-expired":
        return secret.expire is not None
    return True
