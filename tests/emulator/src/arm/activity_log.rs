//! GET of the Activity Log of a subscription: the filter, the selected properties, and pages.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, authorize, not_allowed};
use crate::activity_log::{Write, may_begin};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;

const READ: &str = "Microsoft.Insights/eventtypes/values/Read";
/// What `$select` may name (SPEC).
const SELECTABLE: [&str; 19] = [
    "authorization",
    "claims",
    "correlationId",
    "description",
    "eventDataId",
    "eventName",
    "eventTimestamp",
    "httpRequest",
    "level",
    "operationId",
    "operationName",
    "properties",
    "resourceGroupName",
    "resourceProviderName",
    "resourceId",
    "status",
    "submissionTimestamp",
    "subStatus",
    "subscriptionId",
];

/// A page of events. The permission is one on the subscription (the scope is INF).
pub(super) fn events(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    let subscription = format!("/subscriptions/{}", segments[1]);
    authorize(&azure.world, &call.token, READ, &subscription)?;
    // Required, with the beginning of the period at least (DOC).
    let text = call.request.query_value("$filter").ok_or_else(|| refused("The $filter query parameter is required."))?;
    let filter = Filter::parse(&text).ok_or_else(|| refused(format!("The filter \"{text}\" is not supported.")))?;
    if !may_begin(filter.from, call.now) {
        return Err(refused("The start time cannot be more than 90 days in the past."));
    }
    let selected = selected(call.request.query_value("$select").as_deref())?;
    let skip = call.request.query_value("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0_usize);
    let scope = id::fold(&subscription);
    let shown = azure.activity_log.shown(call.now, azure.settings.activity_log_lag);
    let found = shown.filter(|write| id::is_within(&id::fold(&write.resource), &scope) && filter.matches(write));
    let mut rest = found.flat_map(Write::events).skip(skip);
    let page: Vec<Value> = rest.by_ref().take(azure.settings.page_size).map(|event| only(event, &selected)).collect();
    let mut body = json!({"value": page});
    if rest.next().is_some() {
        let next = skip.saturating_add(azure.settings.page_size);
        // The parameters of the first page, without its token.
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", &call.version).append_pair("$filter", &text);
        query.extend_pairs(call.request.query_value("$select").map(|names| ("$select", names)));
        query.append_pair("$skiptoken", &next.to_string());
        body["nextLink"] = json!(format!("{}/{}?{}", call.origin, segments.join("/"), query.finish()));
    }
    Ok(Answer::json(200, &body))
}

/// The code and the texts of these refusals are INF.
fn refused(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "BadRequest", message)
}

/// The names of the selected properties; none: all.
fn selected(text: Option<&str>) -> Result<Vec<String>, Refusal> {
    let names = text.into_iter().flat_map(|text| text.split(',')).map(|name| name.trim().to_owned());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    match names.iter().find(|name| !SELECTABLE.contains(&name.as_str())) {
        Some(unknown) => Err(refused(format!("The property \"{unknown}\" cannot be selected."))),
        None => Ok(names),
    }
}

fn only(mut event: Value, selected: &[String]) -> Value {
    if let (Some(properties), false) = (event.as_object_mut(), selected.is_empty()) {
        properties.retain(|name, _| selected.iter().any(|one| one == name));
    }
    event
}

/// A period, and perhaps one property. No other syntax is allowed (SPEC).
#[derive(Debug, PartialEq, Eq)]
struct Filter {
    from: Timestamp,
    to: Option<Timestamp>,
    of: Option<(String, String)>,
}

impl Filter {
    fn parse(text: &str) -> Option<Self> {
        let mut filter = Self { from: Timestamp::MIN, to: None, of: None };
        for (number, clause) in text.split(" and ").enumerate() {
            let (property, rest) = clause.trim().split_once(' ')?;
            let (operator, value) = rest.trim().split_once(' ')?;
            let value = value.trim().strip_prefix('\'')?.strip_suffix('\'').filter(|value| !value.contains('\''))?;
            match (number, property, operator) {
                (0, "eventTimestamp", "ge") => filter.from = value.parse().ok()?,
                (1, "eventTimestamp", "le") => filter.to = Some(value.parse().ok()?),
                (2, "resourceUri" | "resourceGroupName" | "resourceProvider" | "correlationId", "eq") => {
                    filter.of = Some((property.to_owned(), value.to_owned()));
                }
                _ => return None,
            }
        }
        Some(filter)
    }

    /// IDs and names are compared regardless of case (INF).
    fn matches(&self, write: &Write) -> bool {
        let is_within = write.at >= self.from && self.to.is_none_or(|to| write.at <= to);
        is_within
            && self.of.as_ref().is_none_or(|(property, value)| match property.as_str() {
                "resourceUri" => id::fold(&write.resource) == id::fold(value),
                "resourceGroupName" => {
                    id::part(&write.resource, "resourceGroups").is_some_and(|name| name.eq_ignore_ascii_case(value))
                }
                "resourceProvider" => id::part(&write.resource, "providers").is_some_and(|name| name.eq_ignore_ascii_case(value)),
                _ => write.correlation.eq_ignore_ascii_case(value),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_patterns_of_the_specification_are_filters() {
        let (from, to) = ("eventTimestamp ge '2026-01-01T00:00:00Z'", "eventTimestamp le '2026-01-02T00:00:00Z'");
        let of = |clause: &str| format!("{from} and {to} and {clause}");
        #[rustfmt::skip]
        let table = [
            (from.to_owned(),                                        true),
            (format!("{from} and {to}"),                             true),
            (of("resourceUri eq '/subscriptions/s'"),                true),
            (of("resourceGroupName eq 'rg'"),                        true),
            (of("resourceProvider eq 'Microsoft.Synapse'"),          true),
            (of("correlationId eq 'c'"),                             true),
            (String::new(),                                          false),
            (to.to_owned(),                                          false),
            (format!("{to} and {from}"),                             false),
            ("eventTimestamp ge 'yesterday'".to_owned(),             false),
            ("eventTimestamp ge 2026-01-01T00:00:00Z".to_owned(),    false),
            (of("caller eq 'ann@contoso.com'"),                      false),
            (of("resourceUri ne 'x'"),                               false),
            (of("resourceUri eq 'x' and correlationId eq 'c'"),      false),
            (format!("{from} and resourceUri eq 'x'"),               false),
            (format!("{from} or {to}"),                              false),
        ];
        for (text, is_filter) in table {
            assert_eq!(Filter::parse(&text).is_some(), is_filter, "{text}");
        }
    }
}
