#!/usr/bin/env bash
# Everything that must hold before a change goes in. All steps run, whatever becomes
# of the ones before; the last lines say which failed.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
test_environment

unit_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked
    else
        cargo test --workspace --locked --lib --bins --tests --examples
    fi
}

compile_python() {
    find crates examples scripts -name '*.py' -not -path '*/testdata/*' -print0 \
        | xargs -0 --no-run-if-empty python3 -c '
import sys
failed = False
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            compile(file.read(), path, "exec")
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}", file=sys.stderr)
        failed = True
sys.exit(failed)
'
}

step "check the formatting" cargo fmt --all --check
step "lint" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "run the tests" unit_tests
step "run the examples of the documentation" cargo test --workspace --locked --quiet --doc
step "check the project's own rules" cargo xtask tidy
step "compile the Python files" compile_python
finish
