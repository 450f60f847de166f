//! The error codes of Microsoft Entra ID that users meet, and what to do about each.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.

/// Code and advice.
pub const TABLE: &[(&str, &str)] = &[
    ("AADSTS53003", "a Conditional Access policy blocks this identity: allow the identity, or the IP address of the operator"),
    ("AADSTS70021", "no federated credential of the application matches: compare issuer, subject and audience"),
    ("AADSTS700016", "the tenant has no application with this client ID: check client ID and tenant"),
    ("AADSTS700024", "the token is expired or not valid yet: check the clocks of the cluster's nodes"),
    ("AADSTS700211", "the issuer of the federated credential must be that of this cluster"),
    (
        "AADSTS700212",
        "the audience of the federated credential must be the one in the token; it differs between clouds, see --token-audience",
    ),
    (
        "AADSTS700213",
        "the subject of the federated credential must be system:serviceaccount:NAMESPACE:NAME of the ServiceAccount",
    ),
    ("AADSTS7000215", "the client secret is wrong: use its value, not its ID"),
    ("AADSTS7000222", "the client secret has expired: create a new one, and configure the operator to use it"),
    ("AADSTS90002", "the tenant does not exist in this cloud: check the tenant ID and --cloud"),
];

/// What to do about an error with this code.
#[must_use]
pub fn advice(code: &str) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_whole_and_unique() {
        // A code may be the beginning of another one: 70021 and 700211.
        for (code, wanted) in TABLE {
            assert_eq!(advice(code), Some(*wanted));
            assert_eq!(TABLE.iter().filter(|(other, _)| other == code).count(), 1, "{code}");
        }
        assert_eq!(advice("AADSTS7002"), None);
        assert_eq!(advice("AADSTS70"), None);
    }
}
