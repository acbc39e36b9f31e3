//! URLs of offers: `[controller:][user/]model.offer[:endpoint]`.

use std::fmt;

use crate::names::validity::{InvalidName, is_application, is_model, is_user};
use crate::values::go::quote;

/// Where an offer is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferUrl {
    /// The controller, if it is said.
    pub controller: Option<String>,
    /// The model's owner, if it is said.
    pub user: Option<String>,
    /// The model. Only a partial URL has none.
    pub model: String,
    /// The offer. Only a partial URL has none.
    pub offer: String,
    /// The offer's endpoint, if it is said.
    pub endpoint: Option<String>,
}

impl OfferUrl {
    /// Reads a URL in full.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let url = Self::parse_partial(text)?;
        if url.model.is_empty() {
            return Err(InvalidName("application offer URL is missing model".to_owned()));
        }
        if url.offer.is_empty() {
            return Err(InvalidName("application offer URL is missing application".to_owned()));
        }
        Ok(url)
    }

    /// Reads a URL of which parts may be missing, as `find-offers` takes it.
    pub fn parse_partial(text: &str) -> Result<Self, InvalidName> {
        let invalid = || {
            InvalidName(format!(
                "application offer URL has invalid form, must be [<user/]<model>.<appname>: {}",
                quote(text)
            ))
        };
        if text.starts_with(':') {
            return Err(invalid());
        }
        let (controller, path) = split_controller(text);
        let path = path.strip_prefix('/').unwrap_or(path);
        let (user, rest) = match path.split_once('/') {
            Some((user, rest)) if !user.is_empty() => (Some(user), rest),
            Some(_) => return Err(invalid()),
            None => (None, path),
        };
        let (model, rest) = rest.split_once('.').unwrap_or((rest, ""));
        let (offer, endpoint) = match rest.split_once(':') {
            Some((offer, endpoint)) => (offer, Some(endpoint)),
            None => (rest, None),
        };
        if model.contains('/') || rest.contains('/') {
            return Err(invalid());
        }
        let not_valid = |what: &str, name: &str| InvalidName(format!("{what} {} not valid", quote(name)));
        if let Some(user) = user.filter(|user| !is_user(user)) {
            return Err(not_valid("user name", user));
        }
        if !model.is_empty() && !is_model(model) {
            return Err(not_valid("model name", model));
        }
        if !offer.is_empty() && !is_application(offer) {
            return Err(not_valid("application name", offer));
        }
        Ok(Self {
            controller: controller.map(str::to_owned),
            user: user.map(str::to_owned),
            model: model.to_owned(),
            offer: offer.to_owned(),
            endpoint: endpoint.map(str::to_owned),
        })
    }

    /// The URL without the controller and the endpoint, as offers are stored and shown.
    #[must_use]
    pub fn as_local(&self) -> Self {
        Self { controller: None, endpoint: None, ..self.clone() }
    }
}

/// With one colon, the last part is an endpoint if it looks like a plain word, and a path
/// otherwise; with two it is clear.
fn split_controller(text: &str) -> (Option<&str>, &str) {
    let parts: Vec<&str> = text.split(':').collect();
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let has_controller = match parts.as_slice() {
        [_, _, _] => true,
        [_, rest] => !is_word(rest),
        _ => false,
    };
    match text.split_once(':') {
        Some((controller, path)) if has_controller => {
            (Some(controller).filter(|controller| !controller.is_empty()), path)
        }
        Some(_) | None => (None, text),
    }
}

impl fmt::Display for OfferUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(controller) = &self.controller {
            write!(formatter, "{controller}:")?;
        }
        if let Some(user) = &self.user {
            write!(formatter, "{user}/")?;
        }
        write!(formatter, "{}.{}", self.model, self.offer)?;
        if let Some(endpoint) = &self.endpoint {
            write!(formatter, ":{endpoint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_in_full_and_in_part() {
        let check = |text: &str, expected: [&str; 5]| {
            let url = OfferUrl::parse_partial(text).unwrap();
            let parts = [
                url.controller.clone().unwrap_or_default(),
                url.user.clone().unwrap_or_default(),
                url.model.clone(),
                url.offer.clone(),
                url.endpoint.unwrap_or_default(),
            ];
            assert_eq!(parts, expected, "{text}");
        };
        check("m.app", ["", "", "m", "app", ""]);
        check("m.app:db", ["", "", "m", "app", "db"]);
        check("admin/m.app", ["", "admin", "m", "app", ""]);
        check("ctl:admin/m.app", ["ctl", "admin", "m", "app", ""]);
        check("ctl:admin/m.app:db", ["ctl", "admin", "m", "app", "db"]);
        check("ctl:m.app", ["ctl", "", "m", "app", ""]);
        check("admin/m", ["", "admin", "m", "", ""]);
        check("ctl:admin/m", ["ctl", "admin", "m", "", ""]);
    }

    #[test]
    fn wrong_urls() {
        let check = |text: &str, expected: &str| {
            assert_eq!(OfferUrl::parse(text), Err(InvalidName(expected.to_owned())), "{text}");
        };
        let form = "application offer URL has invalid form, must be [<user/]<model>.<appname>: ";
        check(":foo", &format!("{form}\":foo\""));
        check("a/b/c.d", &format!("{form}\"a/b/c.d\""));
        check("mysql", "application offer URL is missing application");
        check(".mysql", "application offer URL is missing model");
        check("M.mysql", r#"model name "M" not valid"#);
        check("m.My", r#"application name "My" not valid"#);
        check("-/m.a", r#"user name "-" not valid"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = OfferUrl::parse(&text);
        }

        #[test]
        fn printed_urls_are_read_again(text in "([a-z]{1,4}:)?([a-z]{2,5}/)?[a-z0-9]{1,4}\\.[a-z]{1,4}(:[a-z]{1,4})?") {
            let url = OfferUrl::parse(&text);
            prop_assert_eq!(url.map(|url| url.to_string()), Ok(text));
        }
    }
}
