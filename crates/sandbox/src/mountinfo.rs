//! Reads `/proc/self/mountinfo`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;

/// One mount of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Which directory of its filesystem is mounted.
    pub(crate) root: PathBuf,
    /// Where.
    pub(crate) point: PathBuf,
    /// The flags of the mount that a bind remount would otherwise drop.
    pub(crate) flags: MsFlags,
    pub(crate) filesystem: String,
    /// Options of the filesystem, such as the controllers of a cgroup mount.
    pub(crate) super_options: String,
}

/// Returns the mounts in the order in which they were made.
pub(crate) fn read() -> std::io::Result<Vec<Mount>> {
    Ok(parse(&fs_err::read("/proc/self/mountinfo")?))
}

/// Parses mountinfo; lines that do not look like it are left out.
pub(crate) fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|&byte| byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let root = unescape(fields.nth(3)?);
    let point = unescape(fields.next()?);
    let flags = mount_flags(&String::from_utf8_lossy(fields.next()?));
    // Optional fields, then a lone dash.
    fields.find(|field| *field == b"-")?;
    let filesystem = String::from_utf8_lossy(fields.next()?).into_owned();
    let super_options = String::from_utf8_lossy(fields.nth(1)?).into_owned();
    Some(Mount { root, point, flags, filesystem, super_options })
}

/// Undoes the octal escapes for space, tab, newline and backslash.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, others)) = rest.split_first() {
        let code = others.get(..3).filter(|_| first == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &others[3..] } else { others };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

fn mount_flags(options: &str) -> MsFlags {
    let mut flags = MsFlags::empty();
    for option in options.split(',') {
        flags |= match option {
            "ro" => MsFlags::MS_RDONLY,
            "nosuid" => MsFlags::MS_NOSUID,
            "nodev" => MsFlags::MS_NODEV,
            "noexec" => MsFlags::MS_NOEXEC,
            "noatime" => MsFlags::MS_NOATIME,
            "nodiratime" => MsFlags::MS_NODIRATIME,
            "relatime" => MsFlags::MS_RELATIME,
            _ => MsFlags::empty(),
        };
    }
    if !flags.intersects(MsFlags::MS_NOATIME | MsFlags::MS_RELATIME) {
        // Saying nothing would mean relatime, and a user namespace may not
        // change the kind of time keeping.
        flags |= MsFlags::MS_STRICTATIME;
    }
    flags
}

/// Returns the mount that `path` is on: of those above it, the deepest and,
/// among equals, the last.
pub(crate) fn containing<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    above.max_by_key(|mount| mount.point.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
        27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n\
        28 27 0:25 /a\\040b /mnt/with\\040space\\134 ro,nosuid,nodev,noexec - tmpfs x ro,size=4k\n\
        31 27 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,noatime master:3 propagate_from:2 - cgroup cgroup rw,cpu,cpuacct\n\
        half a line";

    #[test]
    fn lines_are_read() {
        let mounts = parse(TEXT);
        assert_eq!(mounts.len(), 4);
        assert_eq!(mounts[1].filesystem, "ext4");
        assert_eq!(mounts[1].flags, MsFlags::MS_RELATIME);
        assert_eq!(mounts[2].root, Path::new("/a b"));
        assert_eq!(mounts[2].point, Path::new("/mnt/with space\\"));
        let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        assert_eq!(mounts[2].flags, flags | MsFlags::MS_STRICTATIME);
        assert_eq!(mounts[3].super_options, "rw,cpu,cpuacct");
        assert_eq!(mounts[3].flags, MsFlags::MS_NOATIME);
    }

    #[test]
    fn the_deepest_mount_contains() {
        let mounts = parse(TEXT);
        let at = |path: &str| containing(&mounts, Path::new(path)).map(|mount| mount.filesystem.as_str());
        assert_eq!(at("/home"), Some("ext4"));
        assert_eq!(at("/process"), Some("ext4"));
        assert_eq!(at("/proc/1"), Some("proc"));
        assert_eq!(containing(&[], Path::new("/")), None);
    }
}
