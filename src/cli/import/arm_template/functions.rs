//! The functions of a template whose result depends only on their arguments.
//!
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions>.

use serde_json::{Map, Value, json};

/// The result of a function; its name is in lower case.
pub(super) fn call(name: &str, values: &[Value]) -> Result<Value, String> {
    let made = match name {
        "concat" => concat(values),
        "format" => format(values),
        "createobject" => create_object(values),
        "createarray" => Some(json!(values)),
        "union" => union(values),
        "coalesce" => Some(values.iter().find(|value| !value.is_null()).cloned().unwrap_or(Value::Null)),
        _ => simple(name, values),
    };
    made.ok_or_else(|| format!("the function {name}() is not evaluated with these arguments: write its result in its place"))
}

/// A property of an object by its name, or an item of a list by its number.
pub(super) fn member(of: &Value, member: &Value) -> Result<Value, String> {
    let found = match (of, member) {
        (Value::Object(map), Value::String(name)) => {
            map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, one)| one)
        }
        (Value::Array(items), Value::Number(at)) => at.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?)),
        _ => None,
    };
    let name = member.as_str().map_or_else(|| member.to_string(), ToOwned::to_owned);
    found.cloned().ok_or_else(|| format!("{name} is not known: write the value in its place"))
}

fn simple(name: &str, values: &[Value]) -> Option<Value> {
    Some(match (name, values) {
        ("null", []) => Value::Null,
        ("true", []) => json!(true),
        ("false", []) => json!(false),
        ("tolower", [Value::String(text)]) => json!(text.to_lowercase()),
        ("toupper", [Value::String(text)]) => json!(text.to_uppercase()),
        ("trim", [Value::String(text)]) => json!(text.trim()),
        ("string", [value]) => json!(shown(value)?),
        ("replace", [Value::String(text), Value::String(old), Value::String(new)]) => json!(text.replace(old.as_str(), new)),
        ("split", [Value::String(text), Value::String(by)]) => json!(text.split(by.as_str()).collect::<Vec<_>>()),
        ("first", [Value::Array(items)]) => items.first()?.clone(),
        ("last", [Value::Array(items)]) => items.last()?.clone(),
        ("empty", [value]) => json!(is_empty(value)?),
        ("length", [value]) => json!(length(value)?),
        ("range", [start, count]) => range(start.as_i64()?, count.as_i64()?)?,
        ("equals", [one, other]) => json!(one == other),
        ("not", [Value::Bool(value)]) => json!(!value),
        ("and", values) => json!(bools(values)?.into_iter().all(|value| value)),
        ("or", values) => json!(bools(values)?.into_iter().any(|value| value)),
        _ => return None,
    })
}

fn bools(values: &[Value]) -> Option<Vec<bool>> {
    values.iter().map(Value::as_bool).collect()
}

fn is_empty(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(true),
        Value::String(text) => Some(text.is_empty()),
        Value::Array(items) => Some(items.is_empty()),
        Value::Object(map) => Some(map.is_empty()),
        _ => None,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(map) => Some(map.len()),
        _ => None,
    }
}

/// Azure allows 10000 numbers.
fn range(start: i64, count: i64) -> Option<Value> {
    let end = start.checked_add(count).filter(|_| (0..=10_000).contains(&count))?;
    Some(json!((start..end).collect::<Vec<_>>()))
}

/// A value as part of a text.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        _ => None,
    }
}

fn concat(values: &[Value]) -> Option<Value> {
    if values.iter().any(Value::is_array) {
        let lists: Option<Vec<_>> = values.iter().map(Value::as_array).collect();
        return Some(json!(lists?.into_iter().flatten().collect::<Vec<_>>()));
    }
    Some(json!(values.iter().map(shown).collect::<Option<String>>()?))
}

/// Composite format strings of .NET, without alignment and format.
fn format(values: &[Value]) -> Option<Value> {
    let (Value::String(pattern), arguments) = values.split_first()? else { return None };
    let (mut made, mut rest) = (String::new(), pattern.as_str());
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        made += before;
        rest = if let Some(rest) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            made.push_str(&from[..1]);
            rest
        } else {
            let (number, rest) = from.strip_prefix('{')?.split_once('}')?;
            made += &shown(arguments.get(number.parse::<usize>().ok()?)?)?;
            rest
        };
    }
    Some(json!(made + rest))
}

fn create_object(values: &[Value]) -> Option<Value> {
    let mut made = Map::new();
    for pair in values.chunks(2) {
        let [Value::String(key), value] = pair else { return None };
        made.insert(key.clone(), value.clone());
    }
    Some(Value::Object(made))
}

/// Objects in one; a later one prevails, and mappings inside are united, too.
fn union(values: &[Value]) -> Option<Value> {
    let mut made = Map::new();
    for value in values {
        for (key, inner) in value.as_object()? {
            let inner = match made.get(key) {
                Some(before) if before.is_object() && inner.is_object() => union(&[before.clone(), inner.clone()])?,
                _ => inner.clone(),
            };
            made.insert(key.clone(), inner);
        }
    }
    Some(Value::Object(made))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_return_what_azure_returns() {
        #[rustfmt::skip]
        let table = [
            ("concat",       json!(["a", 1, true]),                              json!("a1True")),
            ("concat",       json!([["a"], ["b"]]),                              json!(["a", "b"])),
            ("format",       json!(["{1}-{0}}}", "a", "b"]),                     json!("b-a}")),
            ("union",        json!([{"a": "1", "c": {"d": 1}}, {"a": "2", "c": {"e": 2}}]), json!({"a": "2", "c": {"d": 1, "e": 2}})),
            ("createobject", json!(["a", 1]),                                    json!({"a": 1})),
            ("createarray",  json!(["a", 1]),                                    json!(["a", 1])),
            ("coalesce",     json!([null, "a"]),                                 json!("a")),
            ("tolower",      json!(["A"]),                                       json!("a")),
            ("toupper",      json!(["a"]),                                       json!("A")),
            ("trim",         json!([" a "]),                                     json!("a")),
            ("replace",      json!(["a-b", "-", ""]),                            json!("ab")),
            ("first",        json!([["a", "b"]]),                                json!("a")),
            ("empty",        json!([{}]),                                        json!(true)),
            ("length",       json!([["a", "b"]]),                                json!(2)),
            ("length",       json!(["ø"]),                                       json!(1)),
            ("range",        json!([2, 3]),                                      json!([2, 3, 4])),
            ("equals",       json!(["a", "b"]),                                  json!(false)),
            ("not",          json!([false]),                                     json!(true)),
            ("and",          json!([true, false]),                               json!(false)),
            ("or",           json!([true, false]),                               json!(true)),
            ("null",         json!([]),                                          json!(null)),
        ];
        for (name, values, wanted) in table {
            assert_eq!(call(name, values.as_array().expect("a list")), Ok(wanted), "{name}");
        }
        for (name, values) in [
            ("format", json!(["{0:N2}", 1])),
            ("format", json!(["{1}", 1])),
            ("concat", json!([null])),
            ("guid", json!([])),
            ("range", json!([0, 10_001])),
        ] {
            assert!(call(name, values.as_array().expect("a list")).is_err(), "{name}");
        }
    }
}
