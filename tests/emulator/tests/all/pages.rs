//! LIST of computes, page by page.

use azure_emulator::Request;
use serde_json::{Value, json};

use crate::support::{Lab, compute, workspace};

/// Reads all pages, and calls `between` after each but the last.
fn list(lab: &mut Lab, mut between: impl FnMut(&mut Lab)) -> Vec<String> {
    let (mut target, mut names) = (format!("{}/computes?api-version=2025-12-01", workspace()), Vec::new());
    loop {
        let body = lab.send(Request::new("GET", &target)).body_json();
        let page = body["value"].as_array().expect("a page");
        assert!(page.len() <= 50);
        names.extend(page.iter().map(|compute| compute["name"].as_str().expect("a name").to_owned()));
        match body["nextLink"].as_str() {
            Some(next) => next.strip_prefix("https://arm.test").expect("on the same host").clone_into(&mut target),
            None => return names,
        }
        between(lab);
    }
}

fn with_computes(count: usize) -> Lab {
    let mut lab = Lab::new();
    lab.set(&json!({"throttling": false}));
    let of = |number| json!({"id": compute(&format!("c{number}")), "properties": {"computeType": "Kubernetes"}});
    lab.control("PUT", "world", &json!({"computes": (0..count).map(of).collect::<Vec<Value>>()}));
    lab
}

#[test]
fn thousands_of_computes_are_listed_once_each_in_the_order_of_their_creation() {
    let names = list(&mut with_computes(5_000), |_| {});
    assert_eq!(names, (0..5_000).map(|number| format!("c{number}")).collect::<Vec<_>>());
}

#[test]
fn a_compute_that_is_detached_between_two_pages_hides_another() {
    let mut gone = 0;
    let names = list(&mut with_computes(150), |lab| {
        lab.control("DELETE", &format!("resource?id={}", compute(&format!("c{gone}"))), &json!(null));
        gone += 1;
    });
    assert_eq!(names.len(), 148);
    assert!(!names.contains(&"c50".to_owned()), "it moved to the page that was shown already");
}

#[test]
fn a_compute_that_is_replaced_moves_to_the_end() {
    let mut lab = with_computes(3);
    lab.control("PUT", "world", &json!({"computes": [{"id": compute("c0"), "properties": {"computeType": "Kubernetes"}}]}));
    assert_eq!(list(&mut lab, |_| {}), ["c1", "c2", "c0"]);
}
