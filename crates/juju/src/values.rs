//! Values as people write them on Juju's command lines and in its files.
//!
//! Every reader here is pure: text in, a value or Juju's own words of refusal out. What a value
//! does to a model is no concern of this module; what things are called is [`crate::names`].

pub mod channel;
pub mod constraints;
pub mod go;
pub mod options;
pub mod settings;
pub mod storage;
pub mod yaml;

/// Whether the text is an address with the length of a network behind it, such as `10.0.0.0/24`.
pub fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    length.bytes().all(|byte| byte.is_ascii_digit())
        && length.parse::<u8>().is_ok_and(|length| length <= longest)
}
