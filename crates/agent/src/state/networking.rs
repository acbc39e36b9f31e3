//! The addresses that units have.

use super::State;
use super::relation::Databag;

/// How many units have addresses that differ in their last number only.
const HOSTS: usize = 250;

impl State {
    /// Returns the address of a unit, of the model or of outside. The first that is asked
    /// for gets 10.1.0.1, and each keeps its own.
    pub fn address_of(&mut self, unit: &str) -> String {
        if let Some(address) = self.addresses.get(unit) {
            return address.clone();
        }
        let number = self.addresses.len();
        let address = format!("10.1.{}.{}", number / HOSTS, number % HOSTS + 1);
        self.addresses.insert(unit.into(), address.clone());
        address
    }

    /// Returns the networks that the traffic of somebody with the address seems to come from.
    pub(crate) fn egress_of(&self, address: &str) -> Vec<String> {
        if !self.egress_subnets.is_empty() {
            return self.egress_subnets.clone();
        }
        let bits = if address.contains(':') { 128 } else { 32 };
        vec![format!("{address}/{bits}")]
    }

    /// Returns what Juju writes for a unit that enters a relation.
    pub(super) fn addresses_in_relations(&self, address: &str) -> Databag {
        let entries = [
            ("egress-subnets", self.egress_of(address).join(",")),
            ("ingress-address", address.to_owned()),
            ("private-address", address.to_owned()),
        ];
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Returns the network that an address is in: `10.1.0.0/16` of `10.1.0.5`, unless somebody
    /// said which.
    pub(crate) fn subnet_of(&self, address: &str) -> String {
        if let Some(subnet) = &self.subnet {
            return subnet.clone();
        }
        let mut numbers = address.split('.');
        match (numbers.next(), numbers.next()) {
            (Some(first), Some(second)) => format!("{first}.{second}.0.0/16"),
            (Some(_), None) | (None, _) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Outcome, Platform};

    use super::*;
    use crate::state::{Application, HookContext, Juju, ModelIdentity, RelationEnd, RelationEnds};
    use crate::tools::{ToolCall, answer};

    /// Addresses that somebody really has are those that tools tell and relations hold.
    #[test]
    fn real_addresses_are_told_everywhere() {
        let mut state =
            State::new(Juju::of_line(JujuVersion::V3_6, Platform::Machine), ModelIdentity::default());
        let mut web = Application::new("web");
        web.extra_bindings.insert("admin".to_owned());
        state.add_application(web).unwrap();
        state.add_application(Application::outside("pg")).unwrap();
        state.add_unit("web/0", None).unwrap();
        state.set_address("web/0", "10.87.4.20").unwrap();
        state.set_outside_address("pg/0", "10.88.0.3");
        state.subnet = Some("10.87.4.0/24".to_owned());
        let ends = RelationEnds::Between(RelationEnd::new("web", "db"), RelationEnd::new("pg", "clients"));
        state.add_relation(1, ends).unwrap();
        for unit in ["web/0", "pg/0"] {
            state.enter_scope(1, unit).unwrap();
        }
        let data = |state: &State, unit: &str| {
            let databag = &state.relations[&1].unit_data[unit];
            ["ingress-address", "private-address", "egress-subnets"].map(|key| databag[key].clone())
        };
        assert_eq!(data(&state, "web/0"), ["10.87.4.20", "10.87.4.20", "10.87.4.20/32"]);
        assert_eq!(data(&state, "pg/0"), ["10.88.0.3", "10.88.0.3", "10.88.0.3/32"]);
        state.egress_subnets = vec!["192.0.2.0/24".to_owned(), "198.51.100.0/24".to_owned()];
        let hook = Hook::of_kind(HookKind::ConfigChanged);
        let mut context = HookContext::new(&mut state, "web/0", &hook, None).unwrap();
        let mut printed = |line: &str| {
            let call = ToolCall::of(&line.split(' ').collect::<Vec<_>>());
            String::from_utf8(answer(&mut state, &mut context, &call).stdout).unwrap()
        };
        assert_eq!(
            printed("network-get --format=json admin"),
            "{\"bind-addresses\":[{\"mac-address\":\"\",\"interface-name\":\"eth0\",\"addresses\":[{\"hostname\":\
             \"\",\"value\":\"10.87.4.20\",\"cidr\":\"10.87.4.0/24\"}]}],\"egress-subnets\":[\"192.0.2.0/24\",\
             \"198.51.100.0/24\"],\"ingress-addresses\":[\"10.87.4.20\"]}\n"
        );
        assert_eq!(printed("unit-get private-address"), "10.87.4.20\n");
        // The agent tells relations of what changed with `config-changed`.
        context.finish(&mut state, Outcome::Ok);
        assert_eq!(data(&state, "web/0")[2], "192.0.2.0/24,198.51.100.0/24");
        assert_eq!(state.egress_of("2001:db8::1").len(), 2);
        state.egress_subnets.clear();
        assert_eq!(state.egress_of("2001:db8::1"), ["2001:db8::1/128"]);
    }
}
