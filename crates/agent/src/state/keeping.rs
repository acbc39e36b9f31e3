//! What Juju does to secrets as time passes: owners are told that one is to be rotated, or that a
//! revision has expired. In a life that is played, stimuli say so.

use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name};
use jiff::{SignedDuration, Timestamp};

use super::effects::{HookEffects, SecretChange};
use super::secret::{SecretId, SecretOwner};
use super::{Secret, State};

/// After so long an owner is told again that did not do what it was told to do (core/secrets,
/// `RotateRetryDelay` and `ExpireRetryDelay`).
const TOLD_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(5);

impl State {
    /// Returns what owners have to be told by now, and to which unit it happens. One that has
    /// expired is told again after a while, until the revision is gone (R87). A rotation that is
    /// due is returned until its hook has ended ([`Self::follow_secret_hook`]); the lifecycle
    /// refuses what it knows already.
    pub fn due_secrets(&mut self) -> Vec<(Name, Stimulus)> {
        let now = self.now;
        let mut due = Vec::new();
        for (id, secret) in &mut self.secrets {
            // R57: of what an application owns, the leader is told; without one, nobody is yet.
            let unit = match &secret.owner {
                SecretOwner::Unit(unit) => Some(unit.clone()),
                SecretOwner::Application(application) => {
                    self.applications.get(application).and_then(|application| application.leader.clone())
                }
                SecretOwner::User => None,
            };
            let Some(unit) = unit.filter(|unit| self.units.contains_key(unit)) else { continue };
            let secret_id = || Name::from(id.uri());
            if secret.rotates.is_some_and(|time| time <= now) {
                due.push((unit.clone(), Stimulus::SecretRotationDue { secret_id: secret_id() }));
            }
            for (revision, found) in &mut secret.revisions {
                if found.expire.is_some_and(|time| found.expiry_told_next.unwrap_or(time) <= now) {
                    found.expiry_told_next = now.checked_add(TOLD_AGAIN_AFTER).ok();
                    let stimulus = Stimulus::SecretExpires { secret_id: secret_id(), revision: *revision };
                    due.push((unit.clone(), stimulus));
                }
            }
        }
        due
    }

    /// Returns when the next secret is due that is not due yet.
    pub fn next_secret_due(&self) -> Option<Timestamp> {
        let times = self.secrets.values().flat_map(|secret| {
            let revisions = secret.revisions.values();
            let expiries =
                revisions.filter_map(|found| Some(found.expiry_told_next.unwrap_or(found.expire?)));
            secret.rotates.into_iter().chain(expiries)
        });
        times.filter(|time| *time > self.now).min()
    }

    /// Does what Juju does when the hook of a rotation has ended: the next one is as far away as the
    /// policy says or, if the charm made no revision or the one that it has expires before, a while
    /// later (apiserver/facades/agent/secretsmanager, `SecretsRotated`).
    pub fn follow_secret_hook(&mut self, hook: &Hook, effects: &HookEffects) {
        if hook.kind != HookKind::SecretRotate || !effects.is_committed {
            return;
        }
        let Some(id) = hook.secret_id.as_ref().and_then(|id| SecretId::parse(id)) else { return };
        let is_revised = effects.secrets.iter().any(|effect| match &effect.change {
            SecretChange::Revised { .. } => effect.id == id,
            SecretChange::Added
            | SecretChange::Described
            | SecretChange::Removed { .. }
            | SecretChange::Granted { .. }
            | SecretChange::Revoked { .. }
            | SecretChange::Tracked { .. } => false,
        });
        let now = self.now;
        if let Some(secret) = self.secrets.get_mut(&id) {
            rotated(secret, is_revised, now);
        }
    }
}

fn rotated(secret: &mut Secret, is_revised: bool, now: Timestamp) {
    // Juju counts from when it was due; of times that nobody was there for, one is enough.
    let last = secret.rotates.filter(|time| secret.rotation.next(*time) > Some(now)).unwrap_or(now);
    let Some(next) = secret.rotation.next(last) else { return };
    let expire = secret.latest_revision().and_then(|revision| revision.expire);
    let soon = last.checked_add(TOLD_AGAIN_AFTER).unwrap_or(last);
    let expires_before = expire.is_some_and(|expire| expire < next && soon < expire);
    secret.rotates = Some(if expires_before || !is_revised { soon } else { next });
}

#[cfg(test)]
mod tests {
    use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};

    use super::*;
    use crate::state::{Application, HookContext, Juju, ModelIdentity, NewSecret, Rotation, SecretUpdate};
    use crate::tools::{ToolCall, answer};

    fn after(state: &State, minutes: i64) -> Timestamp {
        state.now.checked_add(SignedDuration::from_mins(minutes)).unwrap()
    }

    /// `web` has a secret that rotates every hour, and a revision that expires after two.
    fn state() -> (State, SecretId) {
        let mut state =
            State::new(Juju::of_line(JujuVersion::V3_6, Platform::Machine), ModelIdentity::default());
        state.add_application(Application::new("web")).unwrap();
        state.add_unit("web/0", None).unwrap();
        let content = [("key".to_owned(), "value".to_owned())].into();
        let secret = NewSecret {
            rotation: Rotation::Hourly,
            expire: Some(after(&state, 120)),
            ..NewSecret::of(SecretOwner::Application("web".into()), content)
        };
        let id = state.add_secret(secret);
        (state, id)
    }

    fn kinds(due: &[(Name, Stimulus)]) -> Vec<String> {
        due.iter().map(|(unit, stimulus)| format!("{unit} {}", stimulus.kind().name())).collect()
    }

    #[test]
    fn owners_are_told_when_it_is_time() {
        let (mut state, _) = state();
        assert_eq!(state.next_secret_due(), Some(after(&state, 60)));
        assert_eq!(state.due_secrets(), []);
        state.advance_clock(SignedDuration::from_mins(120));
        assert_eq!(state.due_secrets(), [], "nobody leads");
        state.set_leader("web", Some("web/0")).unwrap();
        assert_eq!(kinds(&state.due_secrets()), ["web/0 secret-rotation-due", "web/0 secret-expires"]);
        assert_eq!(kinds(&state.due_secrets()), ["web/0 secret-rotation-due"]);
        assert_eq!(state.next_secret_due(), Some(after(&state, 5)));
        state.advance_clock(SignedDuration::from_mins(5));
        assert_eq!(kinds(&state.due_secrets()), ["web/0 secret-rotation-due", "web/0 secret-expires"]);
    }

    #[test]
    fn a_charm_that_does_not_rotate_is_told_soon_again() {
        let check = |lines: &[&str], never_expires: bool, expected_minutes: i64| {
            let (mut state, id) = state();
            state.set_leader("web", Some("web/0")).unwrap();
            if never_expires {
                let far = Some(after(&state, 100_000));
                state.revise_secret(&id, SecretUpdate { expire: far, ..SecretUpdate::default() }).unwrap();
            }
            let made = state.now;
            state.advance_clock(SignedDuration::from_mins(61));
            let hook = Hook { secret_id: Some(id.uri().into()), ..Hook::of_kind(HookKind::SecretRotate) };
            let mut context = HookContext::new(&mut state, "web/0", &hook, None).unwrap();
            for line in lines {
                let line = line.replace("ID", id.as_str());
                let call = ToolCall::of(&line.split(' ').collect::<Vec<_>>());
                assert_eq!(answer(&mut state, &mut context, &call).code, 0, "{line}");
            }
            let effects = context.finish(&mut state, charmproof_lifecycle::vocabulary::Outcome::Ok);
            state.follow_secret_hook(&hook, &effects);
            let expected = made.checked_add(SignedDuration::from_mins(expected_minutes)).unwrap();
            assert_eq!(state.secrets[&id].rotates, Some(expected), "{lines:?}");
        };
        check(&["secret-set ID key=other"], true, 120);
        // A revision that is new expires when it is told to, and this one never.
        check(&["secret-set ID key=other"], false, 120);
        check(&[], true, 65);
        check(&["secret-set ID --label same"], true, 65);
        check(&["secret-set ID key=other --expire 30m"], true, 65);
    }

    #[test]
    fn a_rotation_that_was_slept_through_is_one() {
        let (mut state, id) = state();
        state.advance_clock(SignedDuration::from_hours(24));
        let now = state.now;
        rotated(state.secrets.get_mut(&id).unwrap(), true, now);
        assert_eq!(state.secrets[&id].rotates, Some(after(&state, 60)));
    }
}
