//! Specifiers of unit files: `%i`, `%n`, `%t` and the like.

use super::name::{UnitName, unescape};

/// What specifiers are replaced by, apart from the unit's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub host_name: String,
    pub machine_id: String,
    pub boot_id: String,
    pub kernel: String,
}

/// Who a service runs as, as specifiers show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runner {
    pub user: String,
    pub user_id: String,
    pub group: String,
    pub group_id: String,
    pub home: String,
    pub shell: String,
}

impl Runner {
    /// Of the manager itself. `%u` and its kind are about it, not about `User=`.
    pub(crate) fn root() -> Self {
        Self {
            user: "root".to_owned(),
            user_id: "0".to_owned(),
            group: "root".to_owned(),
            group_id: "0".to_owned(),
            home: "/root".to_owned(),
            shell: "/bin/sh".to_owned(),
        }
    }
}

/// Replaces all specifiers. One that is not known is left as it is.
pub(crate) fn expand(text: &str, name: &UnitName, identity: &Identity) -> String {
    let runner = Runner::root();
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            expanded.push(c);
            continue;
        }
        let Some(letter) = rest.next() else {
            expanded.push('%');
            break;
        };
        let instance = name.instance().unwrap_or("");
        let last = |text: &str| text.rsplit('-').next().unwrap_or("").to_owned();
        let value = match letter {
            '%' => "%".to_owned(),
            'n' => name.as_str().to_owned(),
            'N' => name.stem().to_owned(),
            'p' => name.prefix().to_owned(),
            'P' => unescape(name.prefix()),
            'i' => instance.to_owned(),
            'I' => unescape(instance),
            'j' => last(name.prefix()),
            'J' => unescape(&last(name.prefix())),
            'f' if name.instance().is_some() => format!("/{}", unescape(instance).trim_start_matches('/')),
            'f' => format!("/{}", unescape(name.prefix()).trim_start_matches('/')),
            'H' | 'q' => identity.host_name.clone(),
            'l' => identity.host_name.split('.').next().unwrap_or("").to_owned(),
            'm' => identity.machine_id.clone(),
            'b' => identity.boot_id.clone(),
            'v' => identity.kernel.clone(),
            'a' => std::env::consts::ARCH.replace('_', "-").replace("aarch64", "arm64"),
            't' => "/run".to_owned(),
            'S' => "/var/lib".to_owned(),
            'C' => "/var/cache".to_owned(),
            'L' => "/var/log".to_owned(),
            'E' => "/etc".to_owned(),
            'T' => "/tmp".to_owned(),
            'V' => "/var/tmp".to_owned(),
            'u' => runner.user.clone(),
            'U' => runner.user_id.clone(),
            'g' => runner.group.clone(),
            'G' => runner.group_id.clone(),
            'h' => runner.home.clone(),
            's' => runner.shell.clone(),
            other => format!("%{other}"),
        };
        expanded += &value;
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            host_name: "unit-0.example".to_owned(),
            machine_id: "0123".to_owned(),
            boot_id: "4567".to_owned(),
            kernel: "6.8.0".to_owned(),
        }
    }

    #[track_caller]
    fn check(name: &str, text: &str, expected: &str) {
        assert_eq!(expand(text, &UnitName::parse(name).unwrap(), &identity()), expected);
    }

    #[test]
    fn specifiers_are_replaced() {
        check("worker@a-b.service", "%n %N %p %i %I %f", "worker@a-b.service worker@a-b worker a-b a/b /a/b");
        check("foo.service", "%t/%p %H %l 100%% %", "/run/foo unit-0.example unit-0 100% %");
        check("foo.service", "[%i] %Z", "[] %Z");
    }
}
