//! Which names of this machine a request may use.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, header};

use super::refusal::Refusal;

/// Checks that the request names this machine and this port, once.
pub(super) fn check(headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let is_ours = match (hosts.next().map(|host| host.to_str()), hosts.next()) {
        (Some(Ok(host)), None) => is_ours(host, port),
        _ => false,
    };
    if is_ours { Ok(()) } else { Err((StatusCode::MISDIRECTED_REQUEST, "The host is not that of the link.\n")) }
}

fn is_ours(host: &str, port: u16) -> bool {
    match host.parse::<SocketAddr>() {
        Ok(address) => address.port() == port && (address.ip() == Ipv4Addr::LOCALHOST || address.ip() == Ipv6Addr::LOCALHOST),
        Err(_) => host.to_ascii_lowercase() == format!("localhost:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_with_this_port_is_a_host() {
        for host in ["127.0.0.1:4000", "localhost:4000", "LocalHost:4000", "[::1]:4000", "[0:0:0:0:0:0:0:1]:4000"] {
            assert!(is_ours(host, 4000), "{host}");
        }
        #[rustfmt::skip]
        let refused = [
            "", "evil.example:4000", "127.0.0.1.evil.example:4000", "localhost.:4000", "localhost.evil.example:4000", "127.0.0.1", "localhost",
            "127.0.0.1:4001", "localhost:80", "0.0.0.0:4000", "127.0.0.2:4000", "[::]:4000", "[::ffff:127.0.0.1]:4000", "0x7f.1:4000",
            "2130706433:4000", "user@127.0.0.1:4000", "127.0.0.1:4000:4000", " 127.0.0.1:4000",
        ];
        for host in refused {
            assert!(!is_ours(host, 4000), "{host}");
        }
    }
}
