//! `network-get` and `unit-get`.

use super::call::{Call, NetworkKey, UnitAddress};
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::{Data, Format};
use super::view::View;
use crate::state::{HookContext, State};

/// Reads the arguments of `network-get`.
pub(super) fn parse_get(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let relation = view.relation(&arguments)?;
    let binding = arguments.next().ok_or_else(|| Failure::usage("no arguments specified"))?;
    if binding.is_empty() {
        return Err(Failure::usage("no binding name specified"));
    }
    arguments.end()?;
    let keys = [
        ("bind-address", NetworkKey::BindAddress),
        ("ingress-address", NetworkKey::IngressAddress),
        ("egress-subnets", NetworkKey::EgressSubnets),
        ("primary-address", NetworkKey::PrimaryAddress),
    ];
    let keys = keys.into_iter().filter(|(name, _)| arguments.is_on(name)).map(|(_, key)| key).collect();
    Ok(Call::NetworkGet { binding, relation, keys })
}

/// Reads the arguments of `unit-get`.
pub(super) fn parse_unit_get(mut arguments: Arguments) -> Attempt<Call> {
    let setting = arguments.next().ok_or_else(|| Failure::usage("no setting specified"))?;
    let address = match setting.as_str() {
        "private-address" => UnitAddress::Private,
        "public-address" => UnitAddress::Public,
        other => return Err(Failure::usage(format!("unknown setting {}", quoted(other)))),
    };
    arguments.end()?;
    Ok(Call::UnitGet { address })
}

/// Runs `unit-get`.
pub(super) fn unit_get(state: &State, context: &HookContext, address: UnitAddress) -> Attempt<Data> {
    let unit = state.unit(&context.unit)?;
    Ok(Data::text(match address {
        UnitAddress::Private => unit.private_address.clone(),
        UnitAddress::Public => unit.public_address.clone(),
    }))
}

/// Runs `network-get`. Every binding is in one space with one network.
pub(super) fn get(
    state: &State,
    context: &HookContext,
    binding: &str,
    keys: &[NetworkKey],
    format: Format,
) -> Attempt<Data> {
    let unit = state.unit(&context.unit)?;
    if !state.application(&context.application)?.has_binding(binding) {
        return Err(Failure::refused(format!("no network config found for binding {}", quoted(binding))));
    }
    let address = || Data::text(unit.private_address.clone());
    let egress = || Data::texts(state.egress_of(&unit.private_address));
    if keys.contains(&NetworkKey::PrimaryAddress) {
        if keys.len() > 1 {
            return Err(Failure::refused("--primary-address must be the only flag specified"));
        }
        return Ok(address());
    }
    let value = |key: &NetworkKey| match key {
        NetworkKey::BindAddress => ("bind-address", address()),
        NetworkKey::IngressAddress => ("ingress-address", address()),
        NetworkKey::EgressSubnets => ("egress-subnets", egress()),
        NetworkKey::PrimaryAddress => ("primary-address", address()),
    };
    match keys {
        [] => {}
        [key] => return Ok(value(key).1),
        several => {
            let mut values: Vec<_> = several.iter().map(value).collect();
            values.sort_by_key(|(name, _)| *name);
            return Ok(Data::map(values));
        }
    }
    // Older agents read other names, which Juju still prints, but not in JSON.
    let has_old_names = format != Format::Json;
    let mut entry = vec![
        ("hostname", Data::text("")),
        ("value", address()),
        ("cidr", Data::text(state.subnet_of(&unit.private_address))),
    ];
    if has_old_names {
        entry.push(("address", address()));
    }
    let mut interface = vec![
        ("mac-address", Data::text("")),
        ("interface-name", Data::text("eth0")),
        ("addresses", Data::List(vec![Data::map(entry)])),
    ];
    if has_old_names {
        interface.extend([("macaddress", Data::text("")), ("interfacename", Data::text("eth0"))]);
    }
    Ok(Data::map([
        ("bind-addresses", Data::List(vec![Data::map(interface)])),
        ("egress-subnets", egress()),
        ("ingress-addresses", Data::List(vec![address()])),
    ]))
}
