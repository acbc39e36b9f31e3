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
    find crates examples python scripts -name '*.py' -not -path '*/testdata/*' -print0 \
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

# python_environment NAME VERSION: makes .tools/python/NAME, with the packages that
# python/tests/requirements/NAME.txt pins.
python_environment() {
    local environment="$tools/python/$1" interpreter
    if ! "$environment/bin/python" -c '' 2>/dev/null; then
        interpreter=$(find_python "$2") || return 1
        uv venv --quiet --clear --python "$interpreter" "$environment" || return 1
    fi
    uv pip sync --quiet --require-hashes --python "$environment/bin/python" \
        "python/tests/requirements/$1.txt"
}

# python_tests NAME VERSION ARGUMENT...: tests the Python package with the program just
# built.
python_tests() {
    python_environment "$1" "$2" || return 1
    cargo build --workspace --bins --locked --quiet || return 1
    CHARMPROOF_BINARY=$(realpath "$target_dir/debug/charmproof") \
        HYPOTHESIS_STORAGE_DIRECTORY="$tools/python/hypothesis" \
        PYTHONPATH="$here/python" PYTHONDONTWRITEBYTECODE=1 \
        "$tools/python/$1/bin/python" -m pytest -c python/pytest.ini python/tests "${@:3}"
}

# Makes a wheel of the program just built, and runs it where nothing else is installed.
python_wheel() {
    local wheels="$tools/python/wheels" environment="$tools/python/wheel" interpreter
    interpreter=$(find_python 3.8) || return 1
    rm -rf "$wheels"
    "$tools/python/ops-3/bin/maturin" build --quiet --profile dev --out "$wheels" || return 1
    uv venv --quiet --clear --python "$interpreter" "$environment" || return 1
    uv pip install --quiet --no-index --python "$environment/bin/python" "$wheels"/*.whl || return 1
    "$environment/bin/python" python/tests/installed.py
}

# Runs the suite that ops has for a real Pebble against ours: all of it with real processes, and on paper
# what needs none. The suite is in the source distribution of ops, which pip downloads.
pebble_conformance() {
    local source="$tools/python/ops-source" code=0
    python_environment ops-3 '>=3.10' || return 1
    cargo build --workspace --bins --locked --quiet || return 1
    rm -rf "$source"
    mkdir -p "$source/sdist" || return 1
    "$tools/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
        --no-binary ops --require-hashes --dest "$source/sdist" \
        --requirement python/tests/requirements/ops-source.txt || return 1
    tar --extract --gzip --strip-components=1 --directory "$source" --file "$source"/sdist/ops-*.tar.gz \
        || return 1
    ask_pebble "$source" test --process || code=1
    ask_pebble "$source" 'not exec and not checks_and_health' || code=1
    return "$code"
}

# ask_pebble SOURCE TESTS ARGUMENT...: starts our Pebble with the arguments and runs the tests of ops that
# pytest finds by the expression. The suite asks port 4000, and makes its files beside the socket.
ask_pebble() {
    local pebble="$tools/python/pebble" code=0 attempt server program
    program=$(realpath "$target_dir/debug/charmproof")
    rm -rf "$pebble"
    mkdir -p "$pebble" && mkfifo "$pebble/end" || return 1
    "$program" __pebble "${@:3}" --socket "$pebble/.pebble.socket" --root / --http 127.0.0.1:4000 \
        <>"$pebble/end" >"$pebble/said" &
    server=$!
    for ((attempt = 0; attempt < 200; attempt++)); do
        grep --quiet listening "$pebble/said" && break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    (
        cd "$1" || exit 1
        RUN_REAL_PEBBLE_TESTS=1 PEBBLE="$pebble" PYTHONDONTWRITEBYTECODE=1 \
            "$tools/python/ops-3/bin/python" -m pytest --quiet -p no:cacheprovider -k "$2" \
            test/test_real_pebble.py
    ) || code=1
    kill "$server" 2>/dev/null
    wait "$server" || code=1
    if [[ -e $pebble/.pebble.socket ]]; then
        echo "our Pebble left its socket behind" >&2
        code=1
    fi
    return "$code"
}

# Has Jubilant read the documents of our `juju`, and runs the suite that ops has for a real Juju against ours,
# in models of both kinds: what passes by docs/conformance.md passes. What needs the code of `any-charm` of
# Charmhub, or Tempo, is left out; a charm that does nothing stands in where it only has to be there.
local_juju_conformance() {
    local source
    source=$(echo "$tools"/python/ops-source/sdist/ops-*.tar.gz)
    "$tools/python/ops-3/bin/python" crates/juju/tests/python/read_by_jubilant.py || return 1
    python3 scripts/conformance.py --charmproof "$(realpath "$target_dir/debug/charmproof")" --ops "$source" \
        --only ops-machine --only ops-k8s --check -k 'hookcmds or secrets' \
        --charm any-charm=scripts/stand-ins/any-charm
}

# The package's types have to fit both ops 2 and ops 3; tests are written for the latter.
python_types() {
    local name folders code=0
    for name in ops-2 ops-3; do
        folders=(python/charmproof)
        [[ $name == ops-3 ]] && folders=()
        "$tools/python/ops-3/bin/pyright" --project python/pyrightconfig.json \
            --pythonpath "$tools/python/$name/bin/python" "${folders[@]}" || code=1
    done
    return "$code"
}

# What was found interesting is kept with the build results, so that each run goes on
# where the last one ended. The time is bounded; an input that makes something fail is
# written out, and named.
fuzz_readers() {
    local program="$tools/cargo/bin/cargo-fuzz" build corpus log
    if [[ ! -x $program ]]; then
        echo "cargo-fuzz is not here: \`make setup\` installs it into .tools" >&2
        return 1
    fi
    build="$(realpath -m "$target_dir")/fuzz"
    corpus="$build/corpus/read_and_judge" log="$build/log"
    mkdir -p "$corpus"
    rustfmt --check --edition 2024 fuzz/fuzz_targets/*.rs || return 1
    if ! "$program" run --sanitizer none --target-dir "$build" read_and_judge \
        "$corpus" fuzz/seeds/read_and_judge -- \
        -max_total_time="${CHARMPROOF_FUZZ_SECONDS:-25}" -max_len=4096 -dict=fuzz/words.dict \
        >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        return 1
    fi
    grep '^Done ' "$log" >&2
}

step "check the formatting" cargo fmt --all --check
step "lint" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "run the tests" unit_tests
step "run the examples of the documentation" cargo test --workspace --locked --quiet --doc
step "check the project's own rules" cargo xtask tidy
step "compile the Python files" compile_python
step "test the Python package with ops 2, on its oldest Python" python_tests ops-2 3.8 \
    --ignore python/tests/test_docs.py
step "test the Python package with ops 3" python_tests ops-3 '>=3.10'
step "let ops test our Pebble" pebble_conformance
step "let Jubilant and ops test our Juju" local_juju_conformance
step "check the types of the Python package" python_types
step "make a wheel, and use it with nothing else installed" python_wheel
step "feed arbitrary text to the readers" fuzz_readers
finish
