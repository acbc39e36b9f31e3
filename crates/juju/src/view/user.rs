//! What `juju users` and `juju show-user` show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::colour::Colour;
use super::model::ModelUserView;
use super::table::Table;

/// A user of a controller. `juju users` prints a list of these, `juju show-user` one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UserView {
    /// The name.
    pub user_name: String,
    /// The name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What they may do: `login`, `add-model` or `superuser`.
    pub access: String,
    /// How long ago they were added, as [`ago`](super::time::ago) says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub date_created: String,
    /// How long ago they were there, or `never connected`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_connection: String,
    /// Whether they are kept out.
    #[serde(skip_serializing_if = "super::is_false")]
    pub disabled: bool,
}

/// Writes `juju users`, with the name of the one who asks marked.
pub fn write_list(users: &[UserView], controller: &str, who: &str, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    table.line(&[&format!("Controller: {controller}")]).text("\n");
    table.line(&["Name", "Display name", "Access", "Date created", "Last connection"]);
    for user in users {
        let disabled = if user.disabled { " (disabled)" } else { "" };
        name(&mut table, &user.user_name, who);
        table.line(&[
            &user.display_name,
            &user.access,
            &user.date_created,
            &format!("{}{disabled}", user.last_connection),
        ]);
    }
    table.finish()
}

/// Writes `juju users MODEL`, with the name of the one who asks marked.
pub fn write_model_users(users: &BTreeMap<String, ModelUserView>, who: &str, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    table.line(&["Name", "Display name", "Access", "Last connection"]);
    for (user, details) in users {
        name(&mut table, user, who);
        table.line(&[&details.display_name, &details.access, &details.last_connection]);
    }
    table.finish()
}

fn name(table: &mut Table, user: &str, who: &str) {
    if user == who {
        table.cell_in(Colour::Green, &format!("{user}*"));
    } else {
        table.cell(user);
    }
}
