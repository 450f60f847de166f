//! Many deleted objects that wait for the jobs of one workspace: how often its jobs are listed.

use std::time::Duration;

use serde_json::{Value, json};

use super::in_process::{Api, Azure, object};
use super::{start, until};

const OBJECTS: usize = 50;
/// Jobs of the workspace that have ended.
const ENDED: usize = 450;

fn name(number: usize) -> String {
    format!("guarded-{number:02}")
}

fn job(name: &str, status: &str, compute: &str) -> Value {
    let workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/ml";
    json!({"name": name, "properties": {"jobType": "Spark", "status": status, "computeId": format!("{workspace}/computes/{compute}")}})
}

#[tokio::test(start_paused = true)]
async fn one_list_of_jobs_serves_all_that_wait_and_a_new_one_precedes_each_detach() {
    let api = Api::streaming();
    for number in 0..OBJECTS {
        api.put(object("team-a", &name(number), &json!({"deletionGuard": "WhenIdle"})));
    }
    let (azure, _running) = start(&api, &[]);
    let reasons = |reason| (0..OBJECTS).filter(|&number| api.reason("team-a", &name(number)).as_deref() == Some(reason)).count();
    until("all are attached", || reasons("Attached") == OBJECTS).await;

    let ended = || (0..ENDED).map(|number| job(&format!("ended-{number}"), "Completed", &name(number % OBJECTS)));
    azure.set_jobs(ended().chain((0..OBJECTS).map(|number| job(&format!("runs-{number}"), "Running", &name(number)))).collect());
    for number in 0..OBJECTS {
        api.change("team-a", &name(number), &json!({"metadata": {"deletionTimestamp": "2026-01-02T00:00:00Z"}}));
        // So that the pauses of no two of them end together.
        tokio::time::sleep(Duration::from_millis(6_300)).await;
    }
    until("all wait", || reasons("WaitingForJobs") == OBJECTS).await;
    // From now on each waits for five minutes at a time.
    tokio::time::sleep(Duration::from_mins(10)).await;
    let pages_of_a_list = (ENDED + OBJECTS).div_ceil(Azure::JOBS_OF_A_PAGE);
    let lists = || azure.count("GET", "jobs") / pages_of_a_list;
    let before = lists();
    tokio::time::sleep(Duration::from_hours(1)).await;
    let hourly = lists() - before;
    assert!((20..=25).contains(&hourly), "{hourly} lists in an hour");
    assert!(before <= 60, "{before} lists before");
    assert_eq!(reasons("WaitingForJobs"), OBJECTS);
    assert_eq!((0..OBJECTS).map(|number| azure.count("DELETE", &name(number))).sum::<usize>(), 0);

    azure.set_jobs(ended().collect());
    // The pause, and the age of the list that it ended with.
    tokio::time::sleep(Duration::from_mins(3)).await;
    until("all are gone", || api.is_empty()).await;
    let requests = azure.requests();
    // No other object's request counts: the list may be shared, but it began after the object's compute was read for the detach.
    for number in 0..OBJECTS {
        let detached = requests.iter().position(|one| *one == format!("DELETE {}", name(number))).expect("it is detached");
        let read = requests[..detached].iter().rposition(|one| *one == format!("GET {}", name(number))).expect("it is read");
        assert!(requests[read..detached].iter().any(|one| one == "GET jobs"), "{number}");
    }
}
