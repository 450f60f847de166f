//! The request limits of a principal, and the headers with the remaining requests.

use jiff::Timestamp;

use crate::azure::Azure;
use crate::exchange::Refusal;
use crate::throttle::{Asked, Exceeded, Kind, Remaining, whole};
use crate::world::Token;

/// The headers of an answer.
pub(super) type Headers = Vec<(String, String)>;

/// A request that is counted.
pub(super) struct Counted<'a> {
    pub(super) now: Timestamp,
    pub(super) method: &'a str,
    /// The segments of the path in lower case.
    pub(super) path: &'a [&'a str],
    pub(super) token: &'a Token,
}

/// The limits of a subscription. Returns the headers of the answer.
pub(super) fn of_subscription(azure: &mut Azure, counted: &Counted<'_>, subscription: &str) -> Result<Headers, Refusal> {
    let what = format!("subscription '{subscription}'");
    let headers = take(azure, counted, (subscription, "subscription"), &what)?;
    if azure.settings.throttling && azure.settings.provider_limit.is_some() && counted.path.contains(&"providers") {
        return of_provider(azure, counted, subscription);
    }
    Ok(headers)
}

/// The limits of a tenant, which apply to requests without a subscription (DOC).
pub(super) fn of_tenant(azure: &mut Azure, counted: &Counted<'_>) -> Result<Headers, Refusal> {
    let scope = format!("tenant {}", counted.token.tenant);
    take(azure, counted, (&scope, "tenant"), &format!("tenant '{}'", counted.token.tenant))
}

fn take(azure: &mut Azure, counted: &Counted<'_>, (scope, level): (&str, &str), what: &str) -> Result<Headers, Refusal> {
    let kind = Kind::of(counted.method);
    if !azure.settings.throttling {
        let (own, factor) = (kind.bucket(&azure.settings), azure.settings.throttle.all_principals);
        let left = |limit: crate::limits::Limit| whole(limit.bucket - 1.0);
        return Ok(headers(level, kind, Remaining { own: left(own), all: Some(left(own.times(factor))) }));
    }
    let asked = Asked { scope, principal: &counted.token.object, kind };
    match azure.throttle.take(counted.now, &asked, &azure.settings) {
        Ok(left) => Ok(headers(level, kind, left)),
        Err(Exceeded::Own(seconds)) => {
            let who = format!("{what} actor '{}'", counted.token.object);
            Err(exceeded(kind, &who, seconds).with(&header(level, kind), "0"))
        }
        Err(Exceeded::All(seconds)) => Err(exceeded(kind, what, seconds).with(&header(&format!("{level}-global"), kind), "0")),
    }
}

/// ARM's text (REAL of a subscription).
fn exceeded(kind: Kind, who: &str, seconds: u64) -> Refusal {
    let message = format!("Number of '{}' requests for {who} exceeded. Please try again after '{seconds}' seconds.", kind.word());
    let code = if who.starts_with("tenant") { "TenantRequestsThrottled" } else { "SubscriptionRequestsThrottled" };
    refused(code, message, seconds)
}

/// The limit with which a provider has overridden ARM's: its headers replace those of reads and writes (DOC).
fn of_provider(azure: &mut Azure, counted: &Counted<'_>, subscription: &str) -> Result<Headers, Refusal> {
    let after = counted.path.iter().rev().take_while(|segment| **segment != "providers").count();
    // The provider's name is followed by pairs of a type and a name; a type at the end is a collection.
    let lists = counted.method == "GET" && after % 2 == 0;
    let (kind, name) = if lists { (Kind::Collection, "entities-read") } else { (Kind::Resource, "requests") };
    let name = format!("x-ms-ratelimit-remaining-subscription-resource-{name}");
    let provider = counted.path.iter().rev().nth(after.saturating_sub(1)).copied().unwrap_or_default();
    let asked = Asked { scope: subscription, principal: &counted.token.object, kind };
    let left = azure.throttle.take(counted.now, &asked, &azure.settings).map_err(|(Exceeded::Own(seconds) | Exceeded::All(seconds))| {
        let limit = whole(kind.bucket(&azure.settings).bucket);
        let message = format!(
            "Number of requests for {provider} exceeded the limit of '{limit}' for time interval '00:01:00'. Please try again after '{seconds}' seconds."
        );
        refused("ResourceRequestsThrottled", message, seconds).with(&name, "0")
    })?;
    Ok(vec![(name, left.own.to_string())])
}

fn refused(code: &str, message: String, seconds: u64) -> Refusal {
    Refusal::new(429, code, message).with("Retry-After", seconds.to_string())
}

/// What remains of the principal's, and of that of all principals (REAL).
fn headers(level: &str, kind: Kind, left: Remaining) -> Headers {
    let mut headers = vec![(header(level, kind), left.own.to_string())];
    headers.extend(left.all.map(|all| (header(&format!("{level}-global"), kind), all.to_string())));
    headers
}

fn header(level: &str, kind: Kind) -> String {
    format!("x-ms-ratelimit-remaining-{level}-{}s", kind.word())
}
