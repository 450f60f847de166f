//! The time that a write may take.

use std::time::Duration;

use synapse_spark_operator::azure::{Client, Error};
use tokio::time::Instant;

use crate::script::{Script, compute, put};

/// How long a PUT takes, and its error.
async fn failed_put(client: &Client, deadline: Option<Instant>) -> (Duration, Error) {
    let began = Instant::now();
    let error = client.put(&compute(), &put(), deadline).await.expect_err("there is no answer");
    (began.elapsed(), error)
}

#[tokio::test(start_paused = true)]
async fn write_without_an_answer_ends_at_its_deadline() {
    let (script, client) = Script::silent();
    for (left, wanted) in [(Some(4), 4), (Some(600), 60), (None, 60)] {
        let deadline = left.map(|left| Instant::now() + Duration::from_secs(left));
        let (took, error) = failed_put(&client, deadline).await;
        assert_eq!(took.as_secs(), wanted, "{left:?}: {error}");
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    }
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn write_is_not_sent_after_its_deadline() {
    let (script, client) = Script::silent();
    let (took, error) = failed_put(&client, Some(Instant::now())).await;
    assert!(error.to_string().contains("not sent"), "{error}");
    assert_eq!((took, script.sent().len()), (Duration::ZERO, 0));
}
