//! What a machine's `/etc` has to say about the machine itself.
//!
//! These are plain files of the machine, which its programs may change and replace. They are
//! written when a machine first starts; later only what has changed since is written again.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;

use camino::Utf8Path;

use super::protocol::{MachinePlan, NetworkPlan};
use super::spec::MachineLevel;
use crate::plain;

/// Where distributions have all certificates in one file.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
/// Where those are that people added.
const ADDED: &str = "/usr/local/share/ca-certificates";
const BUNDLE_BYTES_MAX: u64 = 16 << 20;
const APT_SETTINGS: &str = "/etc/apt/apt.conf.d/99charmproof";
/// With one id there is no other user to fetch packages as.
const APT_SINGLE_ID: &str = "APT::Sandbox::User \"root\";\n";

/// What machines take over from the host. It is read before they leave it.
pub(crate) struct FromHost {
    certificates: Option<Certificates>,
    /// Its `/etc/resolv.conf`.
    resolver: Option<String>,
}

impl FromHost {
    /// Reads it all.
    pub(crate) fn read(host: &File) -> Self {
        let seen = format!("/proc/self/fd/{}/etc/resolv.conf", host.as_raw_fd());
        Self { certificates: certificates(host), resolver: fs_err::read_to_string(seen).ok() }
    }
}

/// What the host trusts.
struct Certificates {
    /// All of it.
    bundle: Vec<u8>,
    /// Files that people added, by name.
    added: Vec<(String, Vec<u8>)>,
}

fn certificates(host: &File) -> Option<Certificates> {
    let seen = |path: &str| format!("/proc/self/fd/{}{path}", host.as_raw_fd());
    let bundle = BUNDLES.iter().find_map(|path| read(&seen(path)))?;
    let mut added = Vec::new();
    for entry in Utf8Path::new(&seen(ADDED)).read_dir_utf8().into_iter().flatten().flatten() {
        if entry.path().extension() == Some("crt")
            && let Some(text) = read(entry.path().as_str())
        {
            added.push((entry.file_name().to_owned(), text));
        }
    }
    Some(Certificates { bundle, added })
}

fn read(path: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    fs_err::File::open(path).ok()?.take(BUNDLE_BYTES_MAX).read_to_end(&mut text).ok()?;
    Some(text)
}

/// Writes the settings, in the machine's root.
pub(crate) fn write(plan: &MachinePlan, is_new: bool, host: &FromHost) -> io::Result<()> {
    fs_err::create_dir_all("/etc")?;
    if is_new {
        replace("/etc/hostname", &format!("{}\n", plan.host_name))?;
        replace("/etc/machine-id", &machine_id())?;
    }
    if let NetworkPlan::Own { address, resolver, search } = &plan.network {
        let hosts = plain::read_text("/etc/hosts").unwrap_or_default();
        let line = format!("{address} {}", host_names(plan));
        if is_new || !hosts.lines().any(|kept| kept == line) {
            replace("/etc/hosts", &format!("127.0.0.1 localhost\n::1 localhost ip6-localhost\n{line}\n"))?;
        }
        let mut text = format!("nameserver {resolver}\n");
        if !search.is_empty() {
            text += &format!("search {}\n", search.join(" "));
        }
        if plain::read_text("/etc/resolv.conf").ok().as_ref() != Some(&text) {
            replace("/etc/resolv.conf", &text)?;
        }
    } else if is_new {
        let names = host_names(plan);
        replace("/etc/hosts", &format!("127.0.0.1 localhost {names}\n::1 localhost ip6-localhost\n"))?;
        if let Some(resolver) = &host.resolver {
            replace("/etc/resolv.conf", resolver)?;
        }
    }
    if plan.level == MachineLevel::SingleId && Utf8Path::new("/etc/apt").is_dir() {
        fs_err::create_dir_all("/etc/apt/apt.conf.d")?;
        replace(APT_SETTINGS, APT_SINGLE_ID)?;
    }
    if is_new && let Some(certificates) = &host.certificates {
        trust(certificates)?;
    }
    Ok(())
}

/// The full name first, as `hostname --fqdn` wants it, then the short one.
fn host_names(plan: &MachinePlan) -> String {
    let short = &plan.host_name;
    if plan.domain.is_empty() { short.clone() } else { format!("{short}.{} {short}", plan.domain) }
}

/// Lets the machine trust what the host trusts: all of it where it has no certificates at all,
/// and otherwise what people added on the host, such as that of their company's proxy.
fn trust(certificates: &Certificates) -> io::Result<()> {
    let bundle = Utf8Path::new(BUNDLES[0]);
    if !BUNDLES.iter().any(|path| Utf8Path::new(path).exists()) {
        fs_err::create_dir_all(bundle.parent().unwrap_or(bundle))?;
        fs_err::write(bundle, &certificates.bundle)?;
    }
    for (name, text) in &certificates.added {
        let path = Utf8Path::new(ADDED).join(name);
        if path.exists() {
            continue;
        }
        // From here they get into the bundle when somebody makes it anew.
        fs_err::create_dir_all(ADDED)?;
        fs_err::write(&path, text)?;
        let mut trusted = plain::read_up_to(bundle.as_std_path(), BUNDLE_BYTES_MAX).unwrap_or_default();
        if !trusted.is_empty() && !contains(&trusted, text.trim_ascii()) {
            trusted.push(b'\n');
            trusted.extend_from_slice(text);
            fs_err::write(bundle, trusted)?;
        }
    }
    Ok(())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// Puts a file where there may be a link to somewhere else.
fn replace(path: &str, text: &str) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs_err::write(path, text)
}

/// Every machine is another one to its programs.
fn machine_id() -> String {
    let mut bytes = [0_u8; 16];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            // Every kernel that has what machines need has this, too.
            Err(_) => break,
        }
    }
    format!("{:032x}\n", u128::from_be_bytes(bytes))
}
