//! The proxy for requests to Kubernetes, as kubectl chooses it.
//!
//! kube 5.0.0 compares `NO_PROXY` with the host of the proxy, and not with that of the server (`proxy_url` in its
//! `config/file_loader.rs`). So its choice is kept only where a kubeconfig names the proxy.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// The proxy for this server. `loaded` is the one that kube found, in the kubeconfig or in the environment.
///
/// A proxy of the kubeconfig is used for every server, one of the environment not for this machine, nor for what `NO_PROXY` names
/// (<https://pkg.go.dev/golang.org/x/net/http/httpproxy>).
pub(super) fn choose(loaded: Option<Uri>, server: &Uri, variable: impl Fn(&str) -> Option<String>) -> Option<Uri> {
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let https = first(["HTTPS_PROXY", "https_proxy"]);
    let of_kubeconfig = loaded.filter(|loaded| https.as_deref().and_then(|text| text.parse().ok()).as_ref() != Some(loaded));
    if of_kubeconfig.is_some() {
        return of_kubeconfig;
    }
    let proxy = if server.scheme_str() == Some("http") { first(["HTTP_PROXY", "http_proxy"]) } else { https }?;
    let none_for = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let is_used = Matcher::builder().all(proxy.clone()).no(none_for).build().intercept(server).is_some();
    let proxy = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
    proxy.parse().ok().filter(|_| is_used && !is_this_machine(server.host().unwrap_or_default()))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A proxy as messages name it: its URL may have a password.
pub(super) fn name(proxy: &Uri) -> String {
    let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", proxy.scheme_str().unwrap_or("http"), proxy.host().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "http://user:word@proxy.example:3128";
    const SERVER: &str = "https://api.privatelink.westeurope.azmk8s.io:443";

    fn chosen(server: &str, environment: &[(&str, &str)], loaded: Option<&str>) -> Option<String> {
        let variable = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let loaded = loaded.map(|text| text.parse().expect("a URL"));
        choose(loaded, &server.parse().expect("a URL"), variable).map(|proxy| proxy.to_string())
    }

    #[test]
    fn no_proxy_names_servers_as_kubectl_reads_it() {
        #[rustfmt::skip]
        let table = [
            // server                     NO_PROXY                                   goes through the proxy
            (SERVER,                      "",                                        true),
            (SERVER,                      "proxy.example",                           true),
            (SERVER,                      ".privatelink.westeurope.azmk8s.io",       false),
            (SERVER,                      "privatelink.westeurope.azmk8s.io",        false),
            (SERVER,                      "localhost, api.privatelink.westeurope.azmk8s.io", false),
            (SERVER,                      "other.azmk8s.io",                         true),
            (SERVER,                      "*",                                       false),
            ("https://10.1.2.3:6443",     "10.1.2.3",                                false),
            ("https://10.1.2.3:6443",     "10.0.0.0/8",                              false),
            ("https://10.1.2.3:6443",     "192.168.0.0/16",                          true),
            ("https://127.0.0.1:6443",    "",                                        false),
            ("https://localhost:6443",    "",                                        false),
            ("https://[::1]:6443",        "",                                        false),
        ];
        for (server, none_for, is_used) in table {
            let found = chosen(server, &[("HTTPS_PROXY", PROXY), ("NO_PROXY", none_for)], Some(PROXY));
            assert_eq!(found.is_some(), is_used, "{server} with NO_PROXY={none_for:?}: {found:?}");
            // kube may have left it out, since it compares NO_PROXY with the host of the proxy.
            assert_eq!(chosen(server, &[("https_proxy", PROXY), ("no_proxy", none_for)], None), found, "in lower case");
        }
    }

    #[test]
    fn kubeconfig_comes_first_and_the_scheme_of_the_server_chooses_the_variable() {
        let of_kubeconfig = "http://of-kubeconfig.example:3128";
        let environment = [("HTTPS_PROXY", PROXY), ("NO_PROXY", "*")];
        assert_eq!(chosen(SERVER, &environment, Some(of_kubeconfig)).as_deref(), Some("http://of-kubeconfig.example:3128/"));
        assert_eq!(chosen("http://api.example", &[("HTTPS_PROXY", PROXY)], Some(PROXY)), None);
        assert!(chosen("http://api.example", &[("HTTP_PROXY", "proxy.example:3128")], None).is_some());
        assert_eq!(chosen(SERVER, &[], None), None);
    }

    #[test]
    fn name_of_a_proxy_has_no_password() {
        assert_eq!(name(&PROXY.parse().expect("a URL")), "http://proxy.example:3128");
    }
}
