//! Tags: how many, and from when on they show.

use serde_json::{Value, json};

use crate::client::{Azure, TAG};
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};

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
];

/// How often another tag is tried, if an operation ends before it is read.
const TRIES: u32 = 3;

async fn while_updating(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let id = azure.compute(&name);
    azure.attached(&name, &azure.spark()).await?;
    for number in 1..=TRIES {
        let mut body = azure.spark();
        let value = number.to_string();
        body["tags"]["round"] = json!(value);
        let shows = |body: &Value| if body["tags"]["round"] == json!(value) { "the new tags" } else { "the tags from before" };
        let put = azure.put(&name, &body).await?;
        let during = azure.get(&id).await?;
        let running = azure.operation(&put).await?.is_some_and(|ended| !ended.status.eq_ignore_ascii_case("succeeded"));
        azure.settled(&put).await?;
        let later = azure.get(&id).await?;
        if running {
            seen.note("answer", shows(&put.body));
            seen.note("while updating", shows(&during.body));
            seen.note("later", shows(&later.body));
            return Ok(());
        }
    }
    Err(Failure::NotAsked(format!("the operations ended before the compute was read, {TRIES} times")))
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
