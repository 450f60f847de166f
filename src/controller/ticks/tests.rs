//! Ticks on the paused clock.

use super::*;
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
use crate::planner::backoff::{RESYNC, TICKS};

fn object(name: &str, workspace: &str, account: Option<&str>) -> SynapseSparkAttachment {
    let mut object = SynapseSparkAttachment::new(name, SynapseSparkAttachmentSpec::default());
    object.metadata.namespace = Some("team".into());
    object.spec.workspace.subscription_id = "s".into();
    object.spec.workspace.resource_group = "g".into();
    object.spec.workspace.name = workspace.into();
    object.spec.service_account_name = account.map(ToOwned::to_owned);
    object
}

fn polling(seconds: u64) -> Requeue {
    Requeue::Polling(Some(Duration::from_secs(seconds)))
}

#[tokio::test(start_paused = true)]
async fn objects_of_a_workspace_come_together_and_workspaces_are_spread() {
    let ticks = Ticks::default();
    let mut phases = std::collections::BTreeSet::new();
    for workspace in 0..100 {
        let of = |name: &str| object(name, &format!("ws-{workspace}"), None);
        let first = Instant::now() + ticks.next(&of("a"), Requeue::Resync, RESYNC);
        tokio::time::advance(Duration::from_millis(7)).await;
        let second = Instant::now() + ticks.next(&of("b"), Requeue::Resync, RESYNC);
        let apart = second - first;
        assert!(apart.is_zero() || apart + MIN_DISTANCE > RESYNC.mul_f64(0.9), "{apart:?}");
        phases.insert((first - Instant::now()).as_secs() / 30);
    }
    assert!(phases.len() >= 8, "of ten parts of the interval, these have a workspace: {phases:?}");
}

#[tokio::test(start_paused = true)]
async fn time_between_two_resyncs_is_the_interval_give_or_take_a_tenth() {
    let ticks = Ticks::default();
    let mut periods = Vec::new();
    for workspace in 0..50 {
        let object = object("a", &format!("ws-{workspace}"), None);
        tokio::time::advance(ticks.next(&object, Requeue::Resync, RESYNC)).await;
        periods.push(ticks.next(&object, Requeue::Resync, RESYNC).as_secs());
    }
    assert!(periods.iter().all(|period| (269..=331).contains(period)), "{periods:?}");
    assert!(periods.iter().min().expect("some") < &285 && periods.iter().max().expect("some") > &315, "{periods:?}");
}

#[tokio::test(start_paused = true)]
async fn older_operations_are_observed_at_ticks_of_younger_ones() {
    let ticks = Ticks::default();
    for workspace in 0..20 {
        let workspace = format!("ws-{workspace}");
        let until = |name: &str, age| ticks.next(&object(name, &workspace, None), polling(age), RESYNC).as_millis();
        let other = until("other", 60);
        let young = until("young", 60);
        assert!(young.abs_diff(other) % 5_000 == 0 && young <= 5_500, "{other} ms, {young} ms");
        for age in [130, 400, 1_000, 100_000] {
            let old = until("old", age);
            assert_eq!((old - young) % TICKS[0].1.as_millis(), 0, "{old} ms, {young} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_alone_is_polled_soon_and_one_of_several_at_the_next_tick() {
    let ticks = Ticks::default();
    let (one, two, elsewhere) = (object("one", "ws", None), object("two", "ws", None), object("three", "other", None));
    assert_eq!(ticks.next(&one, polling(0), RESYNC), Duration::from_secs(1));
    assert_eq!(ticks.next(&elsewhere, polling(0), RESYNC), Duration::from_secs(1), "another workspace");
    assert_ne!(ticks.next(&two, polling(0), RESYNC), Duration::from_secs(1), "one waits, too");
    ticks.next(&one, Requeue::Resync, RESYNC);
    assert_eq!(ticks.next(&two, polling(0), RESYNC), Duration::from_secs(1), "no other object waits");
}

#[tokio::test(start_paused = true)]
async fn those_who_are_due_count_by_workspace_and_identity() {
    let ticks = Ticks::default();
    let group = |account: Option<&'static str>| {
        ["a", "b", "c"].map(|name| object(&format!("{name}-{}", account.unwrap_or_default()), "ws", account))
    };
    let (operators, teams) = (group(None), group(Some("account")));
    for object in operators.iter().chain(&teams) {
        ticks.changed(object);
    }
    assert_eq!(ticks.turn(&operators[0]).sharers, 3);
    ticks.next(&operators[0], polling(200), RESYNC);
    assert_eq!((ticks.turn(&operators[1]).sharers, ticks.turn(&teams[1]).sharers), (2, 3));
    ticks.forget(&key_of(&operators[1]));
    assert_eq!(ticks.turn(&operators[2]).sharers, 1);
    let pause = ticks.next(&operators[2], polling(200), RESYNC);
    tokio::time::advance(pause).await;
    assert_eq!(ticks.turn(&operators[0]).sharers, 2, "both are due at the same tick");
    for object in operators.iter().chain(&teams) {
        ticks.forget(&key_of(object));
    }
    let state = ticks.lock();
    assert!(state.objects.is_empty() && state.groups.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_as_old_as_the_time_at_which_it_was_due() {
    let (ticks, object, seconds) = (Ticks::default(), object("a", "ws", None), Duration::from_secs);
    let max_age = || ticks.turn(&object).max_age.saturating_sub(Duration::from_millis(GRAIN));
    assert_eq!(ticks.turn(&object).max_age, FRESH_ENOUGH, "nothing is known of it");
    ticks.postponed(&object, seconds(10));
    assert_eq!(max_age().max(FRESH_ENOUGH), FRESH_ENOUGH, "something else led to the reconcile");
    tokio::time::advance(seconds(10)).await;
    assert_eq!(max_age(), DUE_FRESHNESS);
    tokio::time::advance(seconds(3)).await;
    assert_eq!(max_age(), DUE_FRESHNESS + seconds(3), "it waits for its turn");
    ticks.changed(&object);
    let grain = Duration::from_millis(GRAIN);
    assert!((FRESH_ENOUGH..FRESH_ENOUGH + grain).contains(&max_age()), "{:?}", max_age());
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_reconcile_is_due_when_the_reconcile_ends() {
    let (ticks, objects) = (Ticks::default(), ["a", "b"].map(|name| object(name, "ws", None)));
    ticks.changed(&objects[0]);
    ticks.turn(&objects[0]);
    ticks.changed(&objects[0]);
    ticks.next(&objects[0], Requeue::OnChange, RESYNC);
    ticks.changed(&objects[1]);
    assert_eq!(ticks.turn(&objects[1]).sharers, 2);
    ticks.turn(&objects[0]);
    ticks.next(&objects[0], Requeue::Resync, RESYNC);
    assert_eq!(ticks.turn(&objects[1]).sharers, 1);
}

#[tokio::test(start_paused = true)]
async fn objects_wait_from_when_they_are_due_until_their_reconcile_begins() {
    let (ticks, objects) = (Ticks::default(), ["a", "b"].map(|name| object(name, "ws", None)));
    assert_eq!(ticks.waiting(), 0);
    ticks.changed(&objects[0]);
    ticks.postponed(&objects[1], Duration::from_secs(10));
    assert_eq!(ticks.waiting(), 1, "the other one is not due yet");
    ticks.turn(&objects[0]);
    assert_eq!(ticks.waiting(), 0, "its reconcile runs");
    ticks.next(&objects[0], Requeue::Resync, RESYNC);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(ticks.waiting(), 1, "the other one is due");
    ticks.forget(&key_of(&objects[1]));
    assert_eq!(ticks.waiting(), 0);
}
