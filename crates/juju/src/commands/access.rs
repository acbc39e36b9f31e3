//! Who may do what: `grant` and `revoke`.
//!
//! Everybody who reaches this Juju is its administrator. What is granted is kept and shown, so that
//! people and tests see what they wrote.

use std::collections::BTreeMap;

use super::{Context, failed};
use crate::controller::data::ModelData;
use crate::names::OfferUrl;
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;

/// What may be granted on models, least first.
const OF_MODELS: [&str; 3] = ["read", "write", "admin"];
/// What may be granted on offers, least first.
const OF_OFFERS: [&str; 3] = ["read", "consume", "admin"];

/// `grant`
pub(super) fn grant(context: &mut Context<'_>) -> CommandResult {
    each(context, |users, user, access, ladder| {
        let before = users.get(user).and_then(|before| rank(ladder, before));
        if before.is_some_and(|before| Some(before) >= rank(ladder, access)) {
            return Err(CommandError::failed(format!(
                "user already has {} access or greater",
                quote(access)
            )));
        }
        users.insert(user.to_owned(), access.to_owned());
        Ok(())
    })
}

/// `revoke`
pub(super) fn revoke(context: &mut Context<'_>) -> CommandResult {
    each(context, |users, user, access, ladder| {
        if !users.contains_key(user) {
            return Err(CommandError::failed(format!(
                "could not revoke access: user {} not found",
                quote(user)
            )));
        }
        // Who loses write access can still read; who cannot read can do nothing.
        match rank(ladder, access).and_then(|rank| ladder.get(rank.checked_sub(1)?)) {
            Some(lower) => users.insert(user.to_owned(), (*lower).to_owned()),
            None => users.remove(user),
        };
        Ok(())
    })
}

fn rank(ladder: &[&str], access: &str) -> Option<usize> {
    ladder.iter().position(|known| *known == access)
}

type Users = BTreeMap<String, String>;

/// Changes who may do what with each model or offer that was named.
fn each(
    context: &mut Context<'_>,
    change: impl Fn(&mut Users, &str, &str, &[&str]) -> CommandResult,
) -> CommandResult {
    let words = context.parsed.positionals.clone();
    let [user, access, targets @ ..] = words.as_slice() else {
        return Err(CommandError::Usage("no permission level specified".to_owned()));
    };
    if targets.is_empty() {
        return Err(CommandError::failed(
            "access to controllers is not supported by this emulator: everybody who reaches it is its administrator",
        ));
    }
    for target in targets {
        let url = OfferUrl::parse(target).ok();
        let uuid = match &url {
            Some(url) => super::offers::model_of(context, url)?,
            None => context
                .controller
                .look(|held| context.find_model(held, target).map(|model| model.uuid.clone()))?,
        };
        context.change(&uuid, |model| match &url {
            Some(url) => change(offer_users(model, &url.offer)?, user, access, &OF_OFFERS),
            None => change(&mut model.users, user, access, &OF_MODELS),
        })?;
    }
    Ok(())
}

fn offer_users<'a>(model: &'a mut ModelData, name: &str) -> Result<&'a mut Users, CommandError> {
    let offer = model.offers.get_mut(name).map(|offer| &mut offer.users);
    offer.ok_or_else(|| failed(format!("application offer {} not found", quote(name))))
}
