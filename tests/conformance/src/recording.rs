//! Requests and answers as files.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::redact::Redactor;
use crate::transport::{Body, Outgoing, Reply};

/// The headers of an answer whose values are kept; of the others only the names.
const KEPT: [&str; 9] = [
    "content-type",
    "content-length",
    "azure-asyncoperation",
    "location",
    "retry-after",
    "www-authenticate",
    "x-ms-continuation",
    "x-ms-failure-cause",
    "allow",
];

/// What begins the names of the headers that count requests.
const LIMITS: &str = "x-ms-ratelimit-";

/// The fields of a token request that are kept.
const FIELDS: [&str; 3] = ["grant_type", "scope", "client_assertion_type"];

/// Writes each exchange into a folder, redacted.
#[derive(Debug)]
pub struct Recorder {
    folder: Option<PathBuf>,
    redactor: Mutex<Redactor>,
    probe: Mutex<String>,
    number: AtomicU32,
    began: Instant,
}

impl Recorder {
    /// One that writes into this folder, which is made empty first; or that only redacts.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written.
    pub fn new(folder: Option<&Path>, redactor: Redactor) -> Result<Self, String> {
        if let Some(folder) = folder {
            clear(folder)
                .map_err(|e| format!("Cannot write recordings to {}: {e}. Choose another folder with --out", folder.display()))?;
        }
        Ok(Self {
            folder: folder.map(Path::to_owned),
            redactor: Mutex::new(redactor),
            probe: Mutex::new("start".to_owned()),
            number: AtomicU32::new(1),
            began: Instant::now(),
        })
    }

    /// Names the probe that the next exchanges belong to.
    pub fn begin(&self, probe: &str) {
        probe.clone_into(&mut self.probe.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The redactor.
    pub fn redact<T>(&self, with: impl FnOnce(&mut Redactor) -> T) -> T {
        with(&mut self.redactor.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes an exchange.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn record(&self, request: &Outgoing, reply: &Result<Reply, String>) -> Result<(), String> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut exchange = self.redact(|redactor| exchange(redactor, &probe, request, reply));
        exchange["answeredAfterSeconds"] = json!(self.began.elapsed().as_secs());
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let file = folder.join(format!("{number:04}-{probe}-{}.json", request.method.to_ascii_lowercase()));
        let text = serde_json::to_string_pretty(&exchange).map_err(|e| e.to_string())?;
        std::fs::write(&file, text + "\n").map_err(|e| format!("Cannot write {}: {e}", file.display()))
    }
}

/// Removes the recordings of an earlier run, and no other file.
fn clear(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let numbered = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(|c: char| c.is_ascii_digit()));
        if numbered && path.extension().is_some_and(|kind| kind == "json") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn exchange(redactor: &mut Redactor, probe: &str, request: &Outgoing, reply: &Result<Reply, String>) -> Value {
    let body = match &request.body {
        Body::None => Value::Null,
        Body::Json(body) => redactor.json(body, &request.url),
        Body::Form(fields) => {
            let kept = fields.iter().map(|(name, value)| {
                let shown = if FIELDS.contains(name) { redactor.text(value) } else { "REDACTED".to_owned() };
                ((*name).to_owned(), json!(shown))
            });
            kept.collect::<Map<_, _>>().into()
        }
    };
    let answer = match reply {
        Ok(reply) => json!({
            "status": reply.status,
            "headers": headers(redactor, reply),
            "body": redactor.json(&reply.body, &request.url),
        }),
        Err(error) => json!({"error": redactor.text(error)}),
    };
    let with_token = if request.token.is_some() { json!("Bearer") } else { Value::Null };
    json!({
        "probe": probe,
        "request": {"method": request.method, "url": redactor.text(&request.url), "authorization": with_token, "body": body},
        "answer": answer,
    })
}

fn headers(redactor: &mut Redactor, reply: &Reply) -> Value {
    let shown = reply.headers.iter().map(|(name, value)| {
        let keep = KEPT.contains(&name.as_str()) || name.starts_with(LIMITS);
        (name.clone(), json!(if keep { redactor.text(value) } else { "REDACTED".to_owned() }))
    });
    shown.collect::<Map<_, _>>().into()
}
