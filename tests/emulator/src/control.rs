//! The control API of the emulator, under `/_emulator`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::azure::Azure;
use crate::exchange::{Answer, Request};
use crate::fault::Fault;
use crate::id;
use crate::settings::{Settings, merge};
use crate::world::seed::Seed;

const ROUTES: [&str; 19] = [
    "GET /_emulator/healthz",
    "GET /_emulator/journal?since=SEQ",
    "DELETE /_emulator/journal",
    "GET /_emulator/counters",
    "DELETE /_emulator/counters",
    "POST /_emulator/faults",
    "GET /_emulator/faults",
    "DELETE /_emulator/faults",
    "DELETE /_emulator/tokens",
    "GET /_emulator/settings",
    "PATCH /_emulator/settings",
    "GET /_emulator/world",
    "PUT /_emulator/world",
    "DELETE /_emulator/resource?id=ARM-ID",
    "PATCH /_emulator/compute?id=ARM-ID",
    "PUT /_emulator/compute?id=ARM-ID",
    "GET /_emulator/compute?id=ARM-ID",
    "PATCH /_emulator/pool?id=ARM-ID",
    "GET /_emulator/pool?id=ARM-ID",
];

/// What is wrong with a request to the control API.
struct Wrong(u16, String);

// Longer than other functions: one arm per route.
pub(crate) fn answer(azure: &mut Azure, now: Timestamp, request: &Request, segments: &[String]) -> Answer {
    let what = segments.get(1).filter(|_| segments.len() == 2).map_or("", String::as_str);
    let answered = match (request.method.as_str(), what) {
        ("GET", "healthz") => Ok(json!({"status": "ok"})),
        ("GET", "journal") => journal(azure, request),
        ("DELETE", "journal") => {
            azure.journal.clear();
            return Answer::empty(204);
        }
        ("GET", "counters") => Ok(counters(azure)),
        ("DELETE", "counters") => {
            azure.counters.clear();
            return Answer::empty(204);
        }
        ("GET", "faults") => Ok(json!({"faults": azure.faults.waiting()})),
        ("POST", "faults") => match body(request).and_then(|b| Fault::from_json(&b).map_err(bad)) {
            Ok(fault) => return Answer::json(201, &json!({"id": azure.faults.add(fault)})),
            Err(wrong) => Err(wrong),
        },
        ("DELETE", "faults") => {
            azure.faults.clear();
            return Answer::empty(204);
        }
        ("DELETE", "tokens") => {
            azure.world.revoke_tokens();
            return Answer::empty(204);
        }
        ("GET", "settings") => Ok(json!(azure.settings)),
        ("PATCH", "settings") => settings(azure, request),
        ("GET", "world") => Ok(azure.world.shown()),
        ("PUT", "world") => body(request).and_then(|b| world(azure, now, b)),
        ("DELETE", "resource") => remove(azure, request),
        ("GET", "compute") => compute(azure, request, |_| {}),
        ("PATCH", "compute") => body(request).and_then(|patch| compute(azure, request, |body| merge(body, &patch))),
        ("PUT", "compute") => replace(azure, request),
        ("GET", "pool") => pool(azure, request, &json!({})),
        ("PATCH", "pool") => body(request).and_then(|b| pool(azure, request, &b)),
        _ => {
            let message = format!("There is no {} {}.", request.method, request.path);
            return Answer::json(404, &json!({"error": {"code": "NotFound", "message": message}, "routes": ROUTES}));
        }
    };
    match answered {
        Ok(body) => Answer::json(200, &body),
        Err(Wrong(status, message)) => Answer::json(status, &json!({"error": {"code": "EmulatorControl", "message": message}})),
    }
}

fn bad(message: String) -> Wrong {
    Wrong(400, message)
}

fn body(request: &Request) -> Result<Value, Wrong> {
    serde_json::from_slice(&request.body).map_err(|e| bad(format!("the body is no JSON: {e}")))
}

fn named(request: &Request) -> Result<String, Wrong> {
    let id = request.query_value("id").map(|i| id::fold(&i)).filter(|i| !i.is_empty());
    id.ok_or_else(|| bad("say which with ?id=<ARM ID>".into()))
}

fn journal(azure: &Azure, request: &Request) -> Result<Value, Wrong> {
    let since = request.query_value("since").unwrap_or_else(|| "0".into());
    let since = since.parse().map_err(|_| bad(format!("since={since} is no number")))?;
    Ok(json!({"requests": azure.journal.since(since).collect::<Vec<_>>()}))
}

fn counters(azure: &Azure) -> Value {
    let counted = azure.counters.iter().map(|(counted, count)| {
        let mut counted = json!(counted);
        counted["count"] = json!(count);
        counted
    });
    json!({"total": azure.counters.count(|_| true), "requests": counted.collect::<Vec<_>>()})
}

fn settings(azure: &mut Azure, request: &Request) -> Result<Value, Wrong> {
    let patched = azure.settings.patched(&body(request)?).map_err(bad)?;
    let limits = |s: &Settings| (s.throttle, s.throttle_profile, s.hourly, s.provider_limit);
    if limits(&patched) != limits(&azure.settings) {
        azure.throttle.clear();
    }
    azure.settings = patched;
    Ok(json!(azure.settings))
}

fn world(azure: &mut Azure, now: Timestamp, seed: Value) -> Result<Value, Wrong> {
    let seed = Seed::from_json(seed).map_err(bad)?;
    azure.world.add(now, seed).map_err(bad)?;
    Ok(azure.world.shown())
}

fn remove(azure: &mut Azure, request: &Request) -> Result<Value, Wrong> {
    let id = named(request)?;
    match azure.world.remove(&id) {
        0 => Err(Wrong(404, format!("there is no {id}"))),
        removed => Ok(json!({"removed": removed})),
    }
}

/// Shows a compute, or changes it without an operation.
fn compute(azure: &mut Azure, request: &Request, change: impl FnOnce(&mut Value)) -> Result<Value, Wrong> {
    let id = named(request)?;
    let compute = azure.world.computes.get_mut(&id).ok_or_else(|| Wrong(404, format!("there is no compute {id}")))?;
    change(&mut compute.body);
    Ok(compute.body.clone())
}

/// Replaces the whole of a compute. In a merge patch null removes a key; here a null stays a null.
fn replace(azure: &mut Azure, request: &Request) -> Result<Value, Wrong> {
    let whole = body(request)?;
    if !whole.is_object() {
        return Err(bad("a compute is a JSON object".into()));
    }
    compute(azure, request, |body| *body = whole)
}

/// Shows a pool in the format of a seed, or applies a merge patch in this format.
fn pool(azure: &mut Azure, request: &Request, patch: &Value) -> Result<Value, Wrong> {
    let id = named(request)?;
    let changed = azure.world.change_pool(&id, patch).ok_or_else(|| Wrong(404, format!("there is no pool {id}")))?;
    changed.map_err(bad)
}
