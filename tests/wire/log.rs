//! The log lines of requests.

use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use synapse_spark_operator::azure::Freshness;
use synapse_spark_operator::telemetry::{self, LogFormat};

use crate::script::{Response, SUBSCRIPTION, Script, compute, response};

#[tokio::test]
async fn each_request_logs_one_line_with_the_ids_of_azure() {
    LazyLock::force(&LOG);
    let operation = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/l/op/secret-path?sig=signature-of-it"
    );
    #[rustfmt::skip]
    let table = [
        // status  body                                                          level    line
        (200, json!({"properties": {"computeType": "SynapseSpark"}}),            "DEBUG", "azure request succeeded"),
        (404, json!({"error": {"code": "ResourceNotFound", "message": "gone"}}), "DEBUG", "azure resource not found"),
        (403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}}), "WARN", "azure request failed"),
        (429, json!({"error": {"code": "TooManyRequests", "message": "slow"}}),  "WARN", "azure request failed"),
    ];
    for (status, body, level, line) in table {
        let (request, correlation) = (format!("request-of-{status}"), format!("correlation-of-{status}"));
        let headers = vec![("x-ms-request-id", request.clone()), ("x-ms-correlation-request-id", correlation.clone())];
        let (_, client) = Script::of([Response { status, headers, body: body.to_string().into_bytes(), ..Response::default() }]);
        let _ = client.compute(&compute(), Freshness::Now).await;
        let text = LOG.text();
        let lines: Vec<_> = text.lines().filter(|line| line.contains(&request)).collect();
        let [only] = lines[..] else { panic!("{lines:?}") };
        let only: Value = serde_json::from_str(only).expect("a line is JSON");
        let (about, path) = (&only, compute().to_string());
        assert_eq!((only["level"].as_str(), only["message"].as_str()), (Some(level), Some(line)), "{only}");
        assert_eq!(
            (about["request_id"].as_str(), about["correlation_request_id"].as_str()),
            (Some(&*request), Some(&*correlation))
        );
        assert_eq!((about["status"].as_u64(), about["path"].as_str()), (Some(status.into()), Some(&*path)), "{only}");
        assert!(about["client_request_id"].as_str().is_some_and(|id| id.len() == 36), "{only}");
    }
    let (_, client) = Script::of([response(500, &json!({"error": {"code": "Odd", "message": "an operation's"}}))]);
    let _ = client.operation(SUBSCRIPTION, &operation).await;
    let text = LOG.text();
    assert!(text.contains("an operation's"), "the operation's error is in the log");
    assert!(
        !text.contains("secret-path") && !text.contains("signature-of-it") && !text.contains("the-token"),
        "and nothing secret"
    );
}

/// Every log line of this binary, at all levels: one subscriber for all threads.
pub static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    telemetry::log(LogFormat::Json, "trace", log.clone(), None).expect("no logger has been installed yet");
    log
});

/// Keeps log lines.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// All lines so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no thread panics while it holds the lock")).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no thread panics while it holds the lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}
