//! The program behind `systemctl`, `journalctl` and `service` in a machine.
//!
//! It is compiled by `build.rs`, needs the standard library and nothing else, and is carried in
//! the crate. It tells the manager of the machine's services by which name it was called and with
//! which arguments, prints what the manager says, and exits as it is told.

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::process::exit;

const SOCKET: &str = "/run/charmproof/services.socket";

fn main() {
    let mut arguments: Vec<Vec<u8>> = env::args_os().map(OsStringExt::into_vec).collect();
    if let Some(program) = arguments.first_mut() {
        let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or(&[]).to_vec();
        *program = name;
    }
    let name = String::from_utf8_lossy(arguments.first().map_or(&[], Vec::as_slice)).into_owned();
    match ask(&arguments) {
        Ok((code, stdout, stderr)) => {
            // Whoever reads only a part of it, such as `head`, has what it wants.
            let _ = io::stdout().write_all(&stdout);
            let _ = io::stderr().write_all(&stderr);
            exit(code);
        }
        Err(error) => {
            if name == "systemctl" && error.kind() != io::ErrorKind::UnexpectedEof {
                eprintln!(
                    "System has not been booted with systemd as init system (PID 1). Can't operate.\n\
                     Failed to connect to bus: {error}"
                );
            } else {
                eprintln!("Failed to ask the manager of services: {error}");
            }
            exit(1);
        }
    }
}

type Answer = (i32, Vec<u8>, Vec<u8>);

fn ask(arguments: &[Vec<u8>]) -> io::Result<Answer> {
    let socket = env::var_os("CHARMPROOF_SERVICES_SOCKET").unwrap_or(SOCKET.into());
    let mut stream = UnixStream::connect(socket)?;
    let mut request = (arguments.len() as u32).to_le_bytes().to_vec();
    for argument in arguments {
        request.extend((argument.len() as u32).to_le_bytes());
        request.extend(argument);
    }
    stream.write_all(&request)?;
    let code = number(&mut stream)? as i32;
    Ok((code, text(&mut stream)?, text(&mut stream)?))
}

fn number(stream: &mut UnixStream) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn text(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; number(stream)? as usize];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
