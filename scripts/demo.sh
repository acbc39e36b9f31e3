#!/usr/bin/env bash
# Checks the example fleet with a release of ops that is known to break two of its
# charms, so a run that finds nothing is a failure, and one that finds them is none.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
test_environment

demo() {
    local code=0
    "$target_dir/release/charmproof" check unit lint examples/fleet/fleet.toml \
        --baseline ops==3.7.1 --swap ops==3.8.0 || code=$?
    case $code in
        1)
            printf '\n    As expected, ops 3.8.0 breaks charms of the example fleet.\n' >&2
            ;;
        0)
            printf '\n    No regression was found, though ops 3.8.0 is known to hold one.\n' >&2
            return 1
            ;;
        *)
            return "$code"
            ;;
    esac
}

step "check the example fleet with ops 3.8.0 instead of 3.7.1" demo
finish
