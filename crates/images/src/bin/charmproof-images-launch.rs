//! The sandbox's launcher for the tests of this crate; charmproof itself is the one for users.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(charmproof_sandbox::launcher_main() as u8)
}
