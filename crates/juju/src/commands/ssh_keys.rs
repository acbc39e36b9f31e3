//! Keys that people may log in with: `ssh-keys`, `add-ssh-key`, `remove-ssh-key`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::Context;
use crate::session::CommandResult;
use crate::values::go::quote;

/// A public key, as it is told apart from others.
#[derive(Debug, PartialEq, Eq)]
struct PublicKey {
    /// The digest of it, as OpenSSH showed it when Juju began: `b1:d3:…`.
    fingerprint: String,
    comment: String,
}

impl PublicKey {
    /// Reads a line of `authorized_keys`, which may begin with options. `None` if there is no key in it.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let place = words.windows(2).position(|pair| is_key(pair[0], pair[1]))?;
        let bytes = STANDARD.decode(words[place + 1]).ok()?;
        let digest: Vec<String> = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { fingerprint: digest.join(":"), comment: words[place + 2..].join(" ") })
    }
}

/// Whether a word is a key of a kind, whose name is the first thing in it.
fn is_key(kind: &str, encoded: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(encoded) else { return false };
    let named = u32::try_from(kind.len()).map(u32::to_be_bytes).ok();
    named.is_some_and(|length| bytes.starts_with(&[&length, kind.as_bytes()].concat()))
}

/// `add-ssh-key`
pub(super) fn add(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let keys = context.parsed.positionals.clone();
    let refused = context.change(&uuid, |model| {
        let mut refused = Vec::new();
        for key in keys {
            let Some(new) = PublicKey::parse(&key) else {
                refused.push(format!("cannot add key {}: invalid ssh key: {key}", quote(&key)));
                continue;
            };
            let mut known = model.ssh_keys.iter().filter_map(|known| PublicKey::parse(known));
            if known.any(|known| known.fingerprint == new.fingerprint) {
                refused.push(format!("cannot add key {}: duplicate ssh key: {key}", quote(&key)));
            } else {
                model.ssh_keys.push(key);
            }
        }
        Ok(refused)
    })?;
    // Juju says so, and ends well.
    for why in refused {
        context.session.say(&why);
    }
    Ok(())
}

/// `remove-ssh-key`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let ids = context.parsed.positionals.clone();
    let unknown = context.change(&uuid, |model| {
        let before = model.ssh_keys.clone();
        let is_meant = |key: &str, id: &str| {
            let parsed = PublicKey::parse(key);
            parsed.is_none_or(|parsed| parsed.fingerprint == id || parsed.comment == id)
        };
        model.ssh_keys.retain(|key| !ids.iter().any(|id| is_meant(key, id)));
        let is_unknown = |id: &&String| !before.iter().any(|key| is_meant(key, id));
        Ok(ids.iter().filter(is_unknown).cloned().collect::<Vec<String>>())
    })?;
    for id in unknown {
        context.session.say(&format!("cannot remove key id {}: key not found: {id}", quote(&id)));
    }
    Ok(())
}

/// `ssh-keys`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let (name, keys) = context.look(&uuid, |model| Ok((model.name.clone(), model.ssh_keys.clone())))?;
    if keys.is_empty() {
        context.say(&format!("No SSH keys to display for model: {name}"));
        return Ok(());
    }
    let is_full = context.parsed.is_set("full");
    let mut text = format!("Keys used in model: {name}\n");
    for key in keys {
        let shown = match PublicKey::parse(&key).filter(|_| !is_full) {
            Some(key) if key.comment.is_empty() => key.fingerprint,
            Some(key) => format!("{} ({})", key.fingerprint, key.comment),
            None => key,
        };
        text += &format!("{shown}\n");
    }
    context.session.print(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAICFAC0JqLmOG3eJhM9BKRhIcvH7oDo4qmRGwOqGp/mQg";

    #[test]
    fn keys_are_told_apart_by_what_is_in_them() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let found = PublicKey::parse(line);
            let found = found.as_ref().map(|key| (key.fingerprint.as_str(), key.comment.as_str()));
            assert_eq!(found, expected, "{line}");
        };
        let fingerprint = "41:37:26:43:4a:d8:46:ff:da:fe:3f:8a:02:ee:be:35";
        check(&format!("ssh-ed25519 {KEY} me@host"), Some((fingerprint, "me@host")));
        check(&format!("command=\"a b\",no-pty ssh-ed25519 {KEY}"), Some((fingerprint, "")));
        check(&format!("ssh-rsa {KEY} me"), None);
        check("ssh-ed25519 AAAA me", None);
        check("", None);
    }
}
