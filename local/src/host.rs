//! Names of this machine in the header `Host`.
//!
//! A web page whose own host name is made to resolve to this machine (DNS rebinding) can reach its
//! ports, and the browser takes both for the same site. Only the name in `Host` tells them apart.

use std::net::IpAddr;

/// The host of an authority such as `localhost:9000` or `[::1]:9000`, without the port, the
/// brackets of an address, and a trailing dot.
pub fn without_port(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(address, _)| address);
    }
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether an authority is local: a loopback address, `localhost`, or a name below it, which
/// browsers resolve to loopback themselves (RFC 6761, section 6.3).
pub fn is_of_this_machine(authority: &str) -> bool {
    let host = without_port(authority);
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_of_this_machine() {
        for own in ["localhost:9000", "LOCALHOST.", "echo.localhost", "127.0.0.2:1", "[::1]:9000"] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for other in ["example.com", "localhost.example.com:9000", "10.0.0.1", "[::2]", "", "127.1"]
        {
            assert!(!is_of_this_machine(other), "{other}");
        }
    }
}
