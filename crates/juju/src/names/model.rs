//! Which model is meant: `[controller:][user/]model`, or a UUID.

use std::fmt;

use crate::names::validity::{InvalidName, is_model, is_model_uuid, is_user};
use crate::values::go::quote;

/// A model as people name it. What is not said is the current controller and user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName {
    /// The controller, if it is said.
    pub controller: Option<String>,
    /// The owner, if it is said.
    pub user: Option<String>,
    /// The model's name, or its UUID.
    pub model: String,
}

impl ModelName {
    /// Reads a model's name, with or without a controller and an owner.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let (controller, path) = split_controller(text);
        let (user, model) = match path.split_once('/') {
            Some((user, _)) if !is_user(user) => {
                return Err(InvalidName(format!("user name {} not valid", quote(user))));
            }
            Some((user, model)) => (Some(user), model),
            None => (None, path),
        };
        if !is_model(model) && !is_model_uuid(model) {
            return Err(InvalidName(format!("model name {} not valid", quote(model))));
        }
        Ok(Self {
            controller: controller.map(str::to_owned),
            user: user.map(str::to_owned),
            model: model.to_owned(),
        })
    }

    /// Whether the model is named by its UUID.
    pub fn is_uuid(&self) -> bool {
        is_model_uuid(&self.model)
    }
}

fn split_controller(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some(("", path)) => (None, path),
        Some((controller, path)) => (Some(controller), path),
        None => (None, text),
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(controller) = &self.controller {
            write!(formatter, "{controller}:")?;
        }
        if let Some(user) = &self.user {
            write!(formatter, "{user}/")?;
        }
        formatter.write_str(&self.model)
    }
}

/// What `juju switch` is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchTarget {
    /// `name`: a model of the current controller, or else a controller.
    ModelOrController(String),
    /// `controller:`
    Controller(String),
    /// `:model` or `controller:model`
    Model {
        /// The controller, if it is said.
        controller: Option<String>,
        /// The model with or without its owner.
        model: String,
    },
}

impl SwitchTarget {
    /// Reads what is behind `juju switch`. Whether it exists is for others to say.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            None => Self::ModelOrController(text.to_owned()),
            Some((controller, "")) => Self::Controller(controller.to_owned()),
            Some((controller, model)) => Self::Model {
                controller: Some(controller.to_owned()).filter(|controller| !controller.is_empty()),
                model: model.to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn models_with_and_without_owners() {
        let check = |text: &str, controller: Option<&str>, user: Option<&str>, model: &str| {
            let expected = ModelName {
                controller: controller.map(str::to_owned),
                user: user.map(str::to_owned),
                model: model.to_owned(),
            };
            assert_eq!(ModelName::parse(text), Ok(expected), "{text}");
        };
        check("m", None, None, "m");
        check(":m", None, None, "m");
        check("admin/m", None, Some("admin"), "m");
        check("ctl:m", Some("ctl"), None, "m");
        check("ctl:admin/m", Some("ctl"), Some("admin"), "m");
        let uuid = "0db12a1f-5f4a-4bd8-8b4c-a8c5a8f2d6f0";
        check(uuid, None, None, uuid);
        assert!(ModelName::parse(uuid).unwrap().is_uuid());
    }

    #[test]
    fn wrong_models() {
        let check = |text: &str, expected: &str| {
            assert_eq!(ModelName::parse(text), Err(InvalidName(expected.to_owned())), "{text}");
        };
        check("", r#"model name "" not valid"#);
        check("ctl:", r#"model name "" not valid"#);
        check("M", r#"model name "M" not valid"#);
        check("a/b/c", r#"user name "a" not valid"#);
        check("admin/b/c", r#"model name "b/c" not valid"#);
    }

    #[test]
    fn what_to_switch_to() {
        let model = |controller: Option<&str>, model: &str| SwitchTarget::Model {
            controller: controller.map(str::to_owned),
            model: model.to_owned(),
        };
        assert_eq!(SwitchTarget::parse("m"), SwitchTarget::ModelOrController("m".to_owned()));
        assert_eq!(SwitchTarget::parse("ctl:"), SwitchTarget::Controller("ctl".to_owned()));
        assert_eq!(SwitchTarget::parse(":m"), model(None, "m"));
        assert_eq!(SwitchTarget::parse("ctl:admin/m"), model(Some("ctl"), "admin/m"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = (ModelName::parse(&text), SwitchTarget::parse(&text));
        }

        #[test]
        fn printed_models_are_read_again(text in "([a-z-]{1,6}:)?([a-z]{2,5}/)?[a-z0-9][a-z0-9-]{0,8}") {
            prop_assert_eq!(ModelName::parse(&text).map(|model| model.to_string()), Ok(text));
        }
    }
}
