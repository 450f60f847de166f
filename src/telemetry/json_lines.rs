//! Log lines for machines: one JSON object each, with unique keys.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope, SpanRef};

/// The span of one reconcile: its lines are about an object.
const RECONCILE: &str = "reconcile";

/// The value of `controller`: the kind in lower case, as controller-runtime writes it.
const CONTROLLER: &str = "synapsesparkattachment";

/// Writes an event as one JSON object: `timestamp`, `level`, `target` and `message`, the fields of its spans, and its own.
///
/// A field of the event replaces one of a span, and one of an inner span that of an outer one. In a reconcile `controller` names
/// the controller; `namespace` and `name` are fields of its span.
#[derive(Debug)]
pub struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    JsonFields: for<'w> FormatFields<'w>,
{
    fn format_event(&self, context: &FmtContext<'_, S, JsonFields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), json!(now()?));
        line.insert("level".to_owned(), json!(event.metadata().level().as_str()));
        line.insert("target".to_owned(), json!(event.metadata().target()));
        // Always there, and in this place.
        line.insert("message".to_owned(), Value::Null);
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            add_span(&mut line, &span);
        }
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// As the lines for people have it: UTC, to the microsecond.
fn now() -> Result<String, fmt::Error> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    Ok(text)
}

fn add_span<S: for<'a> LookupSpan<'a>>(line: &mut Map<String, Value>, span: &SpanRef<'_, S>) {
    if span.name() == RECONCILE {
        line.insert("controller".to_owned(), json!(CONTROLLER));
    }
    let extensions = span.extensions();
    let Some(fields) = extensions.get::<FormattedFields<JsonFields>>() else { return };
    if let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields) {
        fields.into_iter().for_each(|(key, value)| insert(line, &key, value));
    }
}

/// A field with the name of a key that every line has is renamed, so that this key has the same meaning in each line.
fn insert(line: &mut Map<String, Value>, key: &str, value: Value) {
    let key = if matches!(key, "timestamp" | "level" | "target") { format!("field_{key}") } else { key.to_owned() };
    line.insert(key, value);
}

/// Adds the fields of an event.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        insert(self.0, field.name(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        insert(self.0, field.name(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        insert(self.0, field.name(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        insert(self.0, field.name(), json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        insert(self.0, field.name(), json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        insert(self.0, field.name(), json!(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no writer panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn line_of(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let layer =
            tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(JsonLines).with_writer(lines.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = lines.0.lock().expect("no writer panics").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn line_of_a_reconcile_has_the_object_at_its_top_and_each_key_once() {
        let line = line_of(|| {
            let _outer = tracing::info_span!("reconcile", namespace = "team-a", name = "nightly", status = 1).entered();
            let _inner = tracing::info_span!("request", status = 200, ok = true).entered();
            tracing::warn!(reason = "Conflict", status = 409, level = "high", "azure \"request\"\nfailed");
        });
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        for key in ["namespace", "name", "status", "level", "controller"] {
            assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{key}: {line}");
        }
        let mut line: Value = serde_json::from_str(&line).expect("JSON");
        let at = line["timestamp"].take();
        assert!(at.as_str().is_some_and(|at| at.parse::<Timestamp>().is_ok()), "{at}");
        let target = module_path!();
        assert_eq!(
            line,
            json!({
                "timestamp": null, "level": "WARN", "target": target, "message": "azure \"request\"\nfailed",
                "controller": "synapsesparkattachment", "namespace": "team-a", "name": "nightly", "status": 409, "ok": true,
                "reason": "Conflict", "field_level": "high",
            })
        );
    }

    #[test]
    fn line_outside_of_a_reconcile_names_no_controller() {
        let line = line_of(|| tracing::info!("starting"));
        assert!(line.contains("\"message\":\"starting\"") && !line.contains("controller"), "{line}");
    }
}
