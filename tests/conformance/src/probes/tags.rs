//! Tags: how many, and from when on they show.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Azure, TAG};
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};
use crate::transport::Reply;

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "tags-while-updating",
        sends: "PUT of another tag on an attached compute, and GET while the operation runs",
        writes: true,
        needs: &[],
        rows: &[row("whether tags show before the operation ends", &["answer", "while updating", "later"])
            .distinguishes(&["tagsVisibleAtEnd"])],
        ask: |azure, seen| Box::pin(while_updating(azure, seen)),
    },
    &Probe {
        id: "many-tags",
        sends: "PUT of a compute with 51 tags, and with 50",
        writes: true,
        needs: &[],
        rows: &[
            row("more than 50 tags: 400 `InvalidTags`", &["51 tags", "51 tags.message", "50 tags"]).distinguishes(&["tagLimit"])
        ],
        ask: |azure, seen| Box::pin(many(azure, seen)),
    },
    &Probe {
        id: "tag-rules",
        sends: "PUTs of computes with a tag whose name has a slash or 513 characters, or whose value has 257",
        writes: true,
        needs: &[],
        rows: &[row(
            "tag names: at most 512 characters, none of `<>%&\\?/`; tag values: at most 256",
            &["slash", "slash.message", "513 characters", "value of 257 characters"],
        )
        .distinguishes(&["tagRules"])],
        ask: |azure, seen| Box::pin(rules(azure, seen)),
    },
];

/// How often another tag is tried, if an operation ends before it is read.
const TRIES: u32 = 3;

/// What GET shows of a compute while it is updated; none if it does not. A stale read shows the state from before.
async fn during(azure: &Azure, name: &str, put: &Reply) -> Result<Option<Value>, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        let read = azure.get(&azure.compute(name)).await?;
        if matches!(read.body["properties"]["provisioningState"].as_str(), Some("Creating" | "Updating")) {
            return Ok(Some(read.body));
        }
        let running = azure.operation(put).await?.is_some_and(|operation| !operation.has_ended());
        if !running || waited >= azure.target.patience {
            return Ok(None);
        }
        azure.wait(azure.target.poll).await;
        waited += azure.target.poll;
    }
}

async fn while_updating(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    azure.attached(&name, &azure.spark()).await?;
    for number in 1..=TRIES {
        let mut body = azure.spark();
        let value = number.to_string();
        body["tags"]["round"] = json!(value);
        let shows = |body: &Value| if body["tags"]["round"] == json!(value) { "the new tags" } else { "the tags from before" };
        let put = azure.put(&name, &body).await?;
        let during = during(azure, &name, &put).await?;
        azure.settled(&put).await?;
        let later = azure.later(&name).await?;
        if let Some(during) = during {
            seen.note("answer", shows(&put.body));
            seen.note("while updating", shows(&during));
            seen.note("later", shows(&later.body));
            return Ok(());
        }
    }
    Err(Failure::NotAsked(format!("no read showed the compute while it was updated, in {TRIES} tries")))
}

async fn many(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    for count in [51, 50] {
        let name = azure.name();
        let mut body = azure.spark();
        body["tags"] = (1..count).map(|n| (format!("tag{n}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
        body["tags"][TAG.0] = json!(TAG.1);
        let put = azure.put(&name, &body).await?;
        seen.refusal(&format!("{count} tags"), &put);
        seen.text(&format!("{count} tags.message"), azure.message(&put));
        azure.settled(&put).await?;
    }
    Ok(())
}

async fn rules(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let all = [
        ("slash", "a/b".to_owned(), "x".to_owned()),
        ("513 characters", "a".repeat(513), "x".to_owned()),
        ("value of 257 characters", "round".to_owned(), "x".repeat(257)),
    ];
    for (what, tag, value) in all {
        let name = azure.name();
        let mut body = azure.spark();
        body["tags"][tag] = json!(value);
        let put = azure.put(&name, &body).await?;
        seen.refusal(what, &put);
        seen.text(&format!("{what}.message"), azure.message(&put));
        azure.settled(&put).await?;
    }
    Ok(())
}
