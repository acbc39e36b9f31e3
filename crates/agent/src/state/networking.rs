//! The addresses that units have.

use super::State;

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
}
