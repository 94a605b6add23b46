//! Where a server is.

use std::net::IpAddr;

/// Whether no byte for this host leaves the machine.
pub(in crate::store) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
