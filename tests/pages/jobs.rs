//! The page about jobs has every check, in the order of the table in the code, with its document.

use synapse_spark_operator::planner::jobs::CHECKS;

use crate::read;

#[test]
fn each_check_for_jobs_is_on_the_page_with_its_document() {
    let page = read("docs/jobs.md");
    let (_, table) = page.split_once("## The checks").expect("the section");
    let (table, _) = table.split_once("## What is not checked").expect("the next section");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), CHECKS.len(), "rows and checks");
    for (row, check) in rows.into_iter().zip(&CHECKS) {
        assert!(row.starts_with(&format!("| `{}` | ", check.id)), "{}: {row}", check.id);
        assert!(row.ends_with(&format!("]({}) |", check.document)), "{}: {row}", check.document);
    }
}
