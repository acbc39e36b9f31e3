# Shared by the scripts of this folder; sourced, never run.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 70

tools="$here/.tools"
target_dir=${CARGO_TARGET_DIR:-target}
failed_steps=()

# Prints a difference of two `date +%s%N` values, as `4.2 s` or `3 min 12 s`.
duration() {
    local tenths=$((($2 - $1) / 100000000))
    if ((tenths < 600)); then
        printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
    else
        printf '%d min %02d s' $((tenths / 600)) $((tenths % 600 / 10))
    fi
}

# step WHAT COMMAND...: runs the command, with one line before that says what it is
# for and one after that says how it ended and how long it took.
step() {
    local what=$1 start end code=0
    shift
    printf '==> %s\n' "$what" >&2
    start=$(date +%s%N)
    "$@" || code=$?
    end=$(date +%s%N)
    if ((code == 0)); then
        printf '    %s: done in %s\n' "$what" "$(duration "$start" "$end")" >&2
    else
        printf '    %s: FAILED (exit code %d) after %s\n' "$what" "$code" "$(duration "$start" "$end")" >&2
        failed_steps+=("$what")
    fi
    return "$code"
}

# Ends the script: 0 when every step went well, else 1 with the list.
finish() {
    if ((${#failed_steps[@]} == 0)); then
        exit 0
    fi
    printf '\n%d step(s) failed:\n' "${#failed_steps[@]}" >&2
    printf '  - %s\n' "${failed_steps[@]}" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Prints the browser of this machine; fails if there is none.
find_browser() {
    local browser
    for browser in "${CHARMPROOF_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
        [[ -n $browser ]] && command -v "$browser" && return 0
    done
    return 1
}

# Prints a Python of the version, which uv downloads if this machine has none.
find_python() {
    local candidate
    # uv asks pyenv for the version that is chosen, and does not see the others.
    for candidate in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        [[ -x $candidate ]] && echo "$candidate" && return 0
    done
    uv python find --quiet "$1" 2>/dev/null && return 0
    uv python install --quiet "$1" && uv python find --quiet "$1"
}

# What tests and demo are run with.
test_environment() {
    export PATH="$tools/bin:$PATH"
    local browser
    if [[ -z ${CHARMPROOF_CHROMIUM:-} ]] && browser=$(find_browser); then
        export CHARMPROOF_CHROMIUM=$browser
    fi
    # Poetry asks the JSON interface of its package index, which not every mirror has;
    # poetry-plugin-pypi-mirror makes it use the index that pip uses.
    if [[ -z ${POETRY_PYPI_MIRROR_URL:-} ]]; then
        POETRY_PYPI_MIRROR_URL=$(package_index)
        [[ -n $POETRY_PYPI_MIRROR_URL ]] && export POETRY_PYPI_MIRROR_URL
    fi
    return 0
}

# The index that pip uses on this machine.
package_index() {
    local python="$tools/venv/bin/python" url
    if [[ -n ${PIP_INDEX_URL:-} ]]; then
        echo "$PIP_INDEX_URL"
    elif url=$("$python" -m pip config get global.index-url 2>/dev/null) && [[ -n $url ]]; then
        echo "$url"
    else
        "$python" -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)' 2>/dev/null
    fi
}
