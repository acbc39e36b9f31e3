//! Builds the program behind `systemctl` in machines, which the crate carries along.
//!
//! It is no binary of this crate, because then the crate could not hold it. It needs the
//! standard library and nothing else, so the compiler is called directly. Where there is a
//! static C library, the program needs none of the machine's, and starts faster.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "src/services/client/systemctl.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let program = PathBuf::from(variable("OUT_DIR")).join("systemctl");
    let attempts = [true, false].map(|is_static| compile(&program, is_static));
    if let [Err(static_error), Err(error)] = attempts {
        panic!("the program behind systemctl cannot be built:\n{static_error}\n{error}");
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// Compiles the program; a program that is there is not compiled again.
fn compile(program: &Path, is_static: bool) -> Result<(), String> {
    if !is_static && program.exists() {
        return Ok(());
    }
    let _ = fs_err::remove_file(program);
    let mut command = Command::new(variable("RUSTC"));
    command.args(["--edition", "2024", "--crate-name", "systemctl", "--target", &variable("TARGET")]);
    command.args(["-C", "opt-level=2", "-C", "panic=abort", "-C", "strip=symbols"]);
    if is_static {
        command.args(["-C", "target-feature=+crt-static", "-C", "relocation-model=static"]);
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        command.arg("-C").arg(format!("linker={linker}"));
    }
    command.arg("-o").arg(program).arg(SOURCE);
    let output = command.output().map_err(|error| format!("cannot run the compiler: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
