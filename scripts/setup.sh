#!/usr/bin/env bash
# Installs what a fresh machine lacks. Such a machine has git, make, a C compiler,
# cargo and python3; everything else goes into .tools, or comes with apt-get.
# Running it again does nothing that was done before.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

say() {
    printf '    %s\n' "$*" >&2
}

# apt_install PACKAGE...: installs packages of the host, or says why it cannot.
apt_install() {
    local as_root=()
    if ! has apt-get; then
        say "this machine has no apt-get; install by hand: $*"
        return 1
    fi
    if ((EUID != 0)); then
        if ! has sudo || ! sudo -n true 2>/dev/null; then
            say "only root may install packages here; run: sudo apt-get install $*"
            return 1
        fi
        as_root=(sudo -n)
    fi
    if ! "${as_root[@]}" apt-get install --yes --no-install-recommends "$@" >"$tools/apt.log" 2>&1; then
        "${as_root[@]}" apt-get update >"$tools/apt.log" 2>&1
        if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --no-install-recommends "$@" >>"$tools/apt.log" 2>&1; then
            tail -n 5 "$tools/apt.log" >&2
            say "apt-get could not install $*; the whole output is in .tools/apt.log"
            return 1
        fi
    fi
}

check_programs() {
    local missing=() program
    for program in git cc cargo python3; do
        has "$program" || missing+=("$program")
    done
    if ((${#missing[@]})); then
        say "missing: ${missing[*]}. Install git, a C compiler, Rust (with rustup) and Python 3.10 or newer first."
        return 1
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        say "$(python3 --version) is too old: 3.10 or newer is needed."
        return 1
    fi
    # With rustup, the first call also fetches what rust-toolchain.toml asks for.
    if ! cargo fmt --version >/dev/null || ! cargo clippy --version >/dev/null; then
        say "cargo lacks rustfmt or clippy; with rustup: rustup component add rustfmt clippy"
        return 1
    fi
}

install_uv() {
    local pins=crates/fleet/tools/uv.txt stamp="$tools/uv.sha256" digest
    digest=$(sha256sum <"$pins")
    if [[ -x $tools/bin/uv && -f $stamp && $(<"$stamp") == "$digest" ]] \
        && "$tools/bin/uv" --version >/dev/null 2>&1; then
        return 0
    fi
    rm -rf "$tools/venv" "$tools/bin" "$stamp"
    if ! python3 -c 'import ensurepip' 2>/dev/null; then
        say "python3 cannot make virtual environments yet: installing python3-venv"
        apt_install python3-venv || return 1
    fi
    python3 -m venv "$tools/venv" || return 1
    "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-deps --require-hashes --requirement "$pins" || return 1
    mkdir -p "$tools/bin"
    ln -s ../venv/bin/uv "$tools/bin/uv"
    "$tools/bin/uv" --version >/dev/null || return 1
    printf '%s\n' "$digest" >"$stamp"
}

# Arbitrary text is fed to the readers of sequences by libFuzzer. cargo-fuzz drives it, with
# the same Rust as everything else: no sanitizer is asked for, which alone needs a nightly
# (our own crates have no unsafe code).
install_fuzzer() {
    local version=0.13.2
    if ! has c++ && ! apt_install g++; then
        say "no C++ compiler: libFuzzer cannot be built, and the fuzzing of \`make test\` will fail"
        return 1
    fi
    if [[ $("$tools/cargo/bin/cargo-fuzz" --version 2>/dev/null) == "cargo-fuzz $version" ]]; then
        return 0
    fi
    cargo install --quiet --locked --root "$tools/cargo" --target-dir "$target_dir/cargo-fuzz" \
        "cargo-fuzz@$version"
}

# The HTML report is looked at in a real browser; nothing else needs one.
install_browser() {
    find_browser >/dev/null && return 0
    if ! apt_install chromium || ! find_browser >/dev/null; then
        say "no browser: the tests that open the HTML report in one will fail; nothing else needs it."
        say "Install chromium by hand (with snap: snap install chromium), or set CHARMPROOF_CHROMIUM to a browser of its kind."
    fi
    return 0
}

mkdir -p "$tools"
step "check that git, a C compiler, cargo and python3 are here" check_programs || finish
step "install the pinned uv into .tools" install_uv || finish
step "install cargo-fuzz into .tools" install_fuzzer
step "see to a browser for the tests of the HTML report" install_browser
finish
