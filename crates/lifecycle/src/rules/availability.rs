//! V01: which hooks exist at all.

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::view::View;
use crate::vocabulary::{Hook, JujuVersion};

/// V01: a hook that this Juju, or this platform, does not have.
#[derive(Debug, Default)]
pub(super) struct OnlyWhatExists;

impl Monitor for OnlyWhatExists {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        match view.settings.version {
            Some(version) if !hook.kind.exists_in(version) => {
                found.add(RuleId::V01, format!("Juju {version} never runs `{}`", hook.kind.pattern()));
            }
            None if !JujuVersion::ALL.into_iter().any(|version| hook.kind.exists_in(version)) => {
                found.add(RuleId::V01, format!("no Juju ever runs `{}`", hook.kind.pattern()));
            }
            Some(_) | None => {}
        }
        if let (Some(needed), Some(platform)) = (hook.kind.platform(), view.settings.platform)
            && needed != platform
        {
            found.add(
                RuleId::V01,
                format!(
                    "`{}` is for {needed} charms, and this one is a {platform} charm",
                    hook.kind.pattern()
                ),
            );
        }
    }
}
