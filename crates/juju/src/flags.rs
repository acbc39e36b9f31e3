//! Reads the command lines of `juju`.
