//! What `juju offers`, `juju find-offers` and `juju show-offer` show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::colour::Colour;
use super::status::RemoteEndpointView;
use super::table::Table;

/// How many bytes of a description `show-offer` shows, and how many in a line.
const DESCRIPTION_WIDTH: usize = 180;
const DESCRIPTION_LINE_WIDTH: usize = 45;

/// An offer of this model. `juju offers` prints a map of these, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferListItemView {
    /// The application behind it.
    pub application: String,
    /// The controller.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub store: String,
    /// The URL of its charm.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub charm: String,
    /// Where it is offered: `admin/model.offer`.
    pub offer_url: String,
    /// What is offered.
    pub endpoints: BTreeMap<String, RemoteEndpointView>,
    /// Who uses it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<OfferConnectionView>,
    /// Who may use it, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, OfferUserView>,
}

/// An integration with an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferConnectionView {
    /// The model that uses it.
    pub source_model_uuid: String,
    /// Who made it.
    pub username: String,
    /// The number of the integration.
    pub relation_id: u64,
    /// The endpoint in use.
    pub endpoint: String,
    /// How it is.
    pub status: OfferConnectionStatusView,
    /// From where it is used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress_subnets: Vec<String>,
}

/// How an integration with an offer is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OfferConnectionStatusView {
    /// `joined`, or what keeps it from that.
    pub current: String,
    /// What is said about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How long ago it became so, as [`ago`](super::time::ago) says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub since: String,
}

/// Who may use an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferUserView {
    /// The name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// `read`, `consume` or `admin`.
    pub access: String,
}

/// An offer of any model. `find-offers` and `show-offer` print maps of these, by URL with
/// controller; only `show-offer` has descriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FoundOfferView {
    /// What it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What the user may do with it.
    pub access: String,
    /// What is offered.
    pub endpoints: BTreeMap<String, RemoteEndpointView>,
    /// Who may use it, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, OfferUserView>,
}

/// Writes `juju offers`: who uses what is offered.
pub fn write_list(offers: &BTreeMap<String, OfferListItemView>, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    table.line(&[
        "Offer",
        "User",
        "Relation ID",
        "Status",
        "Endpoint",
        "Interface",
        "Role",
        "Ingress subnets",
    ]);
    for (name, offer) in offers {
        let mut connections: Vec<&OfferConnectionView> = offer.connections.iter().collect();
        connections.sort_by_key(|connection| (&connection.username, connection.relation_id));
        if connections.is_empty() {
            table.line(&[name, "-", "", "", "", "", "", ""]);
        }
        for (index, connection) in connections.into_iter().enumerate() {
            table.cell(if index == 0 { name } else { "" });
            table.cell(&connection.username).cell(&connection.relation_id.to_string());
            let status = &connection.status.current;
            match status.as_str() {
                "joined" => table.cell_in(Colour::Green, status),
                "suspended" => table.cell_in(Colour::Yellow, status),
                "broken" | "error" => table.cell_in(Colour::Red, status),
                _ => table.cell(status),
            };
            let endpoint = offer.endpoints.get(&connection.endpoint);
            let (interface, role) =
                endpoint.map_or(("", ""), |endpoint| (endpoint.interface.as_str(), endpoint.role.as_str()));
            table.line(&[&connection.endpoint, interface, role, &connection.ingress_subnets.join(",")]);
        }
    }
    table.finish()
}

/// Writes `juju offers --format summary`: what is offered.
pub fn write_summary(offers: &BTreeMap<String, OfferListItemView>) -> String {
    let mut table = Table::new(false);
    table.line(&[
        "Offer",
        "Application",
        "Charm",
        "Connected",
        "Store",
        "URL",
        "Endpoint",
        "Interface",
        "Role",
    ]);
    for (name, offer) in offers {
        let joined =
            offer.connections.iter().filter(|connection| connection.status.current == "joined").count();
        let connected = format!("{joined}/{}", offer.connections.len());
        let first =
            [name.as_str(), &offer.application, &offer.charm, &connected, &offer.store, &offer.offer_url];
        for (index, (endpoint, details)) in offer.endpoints.iter().enumerate() {
            // What is said of the offer is said once.
            for cell in if index == 0 { first } else { [""; 6] } {
                table.cell(cell);
            }
            table.line(&[endpoint, &details.interface, &details.role]);
        }
    }
    table.finish()
}

/// Writes `juju find-offers`.
pub fn write_found(offers: &BTreeMap<String, FoundOfferView>) -> String {
    let mut table = Table::new(false);
    table.line(&["Store", "URL", "Access", "Interfaces"]);
    for (url, offer) in offers {
        let (store, path) = store_and_path(url);
        let mut interfaces: Vec<String> = offer
            .endpoints
            .iter()
            .map(|(endpoint, details)| format!("{}:{endpoint}", details.interface))
            .collect();
        interfaces.sort();
        table.line(&[store, path, &offer.access, &interfaces.join(", ")]);
    }
    table.finish()
}

/// Writes `juju show-offer`.
pub fn write_offers(offers: &BTreeMap<String, FoundOfferView>) -> String {
    let mut table = Table::new(false);
    table.line(&["Store", "URL", "Access", "Description", "Endpoint", "Interface", "Role"]);
    for (url, offer) in offers {
        let (store, path) = store_and_path(url);
        let description = lines(&shortened(&offer.description));
        let mut endpoints = offer.endpoints.iter();
        for index in 0..offer.endpoints.len().max(description.len()) {
            let first = if index == 0 { [store, path, &offer.access] } else { [""; 3] };
            for cell in first {
                table.cell(cell);
            }
            let words = description.get(index).map_or("", String::as_str);
            match endpoints.next() {
                Some((endpoint, details)) => {
                    table.line(&[words, endpoint, &details.interface, &details.role])
                }
                None => table.line(&[words, "", "", ""]),
            };
        }
    }
    table.finish()
}

/// What `juju offer` says.
pub fn offered(application: &str, endpoints: &[String], url: &str) -> String {
    format!("Application {application:?} endpoints [{}] available at {url:?}\n", endpoints.join(", "))
}

fn store_and_path(url: &str) -> (&str, &str) {
    url.split_once(':').unwrap_or(("", url))
}

fn shortened(text: &str) -> String {
    if text.len() <= DESCRIPTION_WIDTH {
        return text.to_owned();
    }
    let mut end = DESCRIPTION_WIDTH - 3;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

/// Breaks a text into lines at spaces; a word that is too long alone is broken too. Juju counts
/// lines by the length of the text, so that empty ones can follow.
fn lines(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [word] = words.as_slice() {
        let characters: Vec<char> = word.chars().collect();
        return characters.chunks(DESCRIPTION_LINE_WIDTH).map(|chunk| chunk.iter().collect()).collect();
    }
    let mut lines = vec![String::new()];
    for word in words {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            word.clone_into(&mut lines[last]);
        } else if lines[last].len() + 1 + word.len() > DESCRIPTION_LINE_WIDTH {
            lines.push(word.to_owned());
        } else {
            lines[last].push(' ');
            lines[last].push_str(word);
        }
    }
    let least = text.len() / DESCRIPTION_LINE_WIDTH + 1;
    lines.resize(lines.len().max(least), String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_broken_at_spaces() {
        let check = |text: &str, expected: &[&str]| assert_eq!(lines(text), expected);
        check("", &[""]);
        check("a few words", &["a few words"]);
        check(&"x".repeat(50), &[&"x".repeat(45), "xxxxx"]);
        check(
            "a description that has too many words for one line",
            &["a description that has too many words for one", "line"],
        );
    }

    #[test]
    fn an_offer_says_where_it_is() {
        assert_eq!(
            offered("mysql", &["db".to_owned(), "admin".to_owned()], "admin/m.mysql"),
            "Application \"mysql\" endpoints [db, admin] available at \"admin/m.mysql\"\n"
        );
    }
}
