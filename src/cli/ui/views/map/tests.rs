use super::graph::Column;
use super::layout::{BOX, Content as Content_, SHOWN};
use super::tally::{Tally, Tone};
use super::*;
use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{Identity, IdentityType, SynapseSparkAttachmentSpec, UserAssignedIdentity};
use crate::cli::selection::ObjectKey;
use crate::cli::ui::store::{Attachment, Connection as Known};
use crate::cli::view::State as Health;

const GROUP: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers";

/// An attachment of `workspace -> synapse/pool`, as each of the identities.
fn attachment(workspace: &str, pool: &str, identities: &str, state: Health) -> Attachment {
    let (synapse, pool) = pool.split_once('/').expect("a pool of a Synapse workspace");
    let named: Vec<_> = identities.split(' ').filter(|name| !name.is_empty() && *name != "system").collect();
    let kind = match (identities.contains("system"), named.is_empty()) {
        (true, true) => IdentityType::SystemAssigned,
        (true, false) => IdentityType::Both,
        (false, false) => IdentityType::UserAssigned,
        (false, true) => IdentityType::None,
    };
    let resource_id = |name| format!("{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
    let user_assigned_identities =
        named.into_iter().map(|name| UserAssignedIdentity { resource_id: resource_id(name) }).collect();
    let mut spec = SynapseSparkAttachmentSpec {
        resource_id: Some(format!("{GROUP}/Microsoft.Synapse/workspaces/{synapse}/bigDataPools/{pool}")),
        identity: Some(Identity { kind, user_assigned_identities }),
        ..SynapseSparkAttachmentSpec::default()
    };
    "6560575d-fa06-4e7d-95fb-f962e74efd7a".clone_into(&mut spec.workspace.subscription_id);
    "rg".clone_into(&mut spec.workspace.resource_group);
    workspace.clone_into(&mut spec.workspace.name);
    Attachment {
        managed_by: None,
        key: ObjectKey { namespace: "team-a".to_owned(), name: workspace.to_owned() },
        state,
        reason: if state == Health::Stalled { "PoolNotFound" } else { "Attached" }.to_owned(),
        message: String::new(),
        since: None,
        pool: pool.to_owned(),
        object: SynapseSparkAttachment::new(workspace, spec),
    }
}

fn graph(attachments: &[Attachment]) -> Graph {
    Graph::of(&attachments.iter().collect::<Vec<_>>())
}

/// The names of the boxes of a column, from above.
fn names(layout: &Layout<'_>, column: Column) -> Vec<String> {
    let name = |content: &Content_<'_>| match content {
        Content_::One(node) => node.end.name.clone(),
        Content_::Others { count, stalled } => format!("{count} more, {stalled} stalled"),
    };
    layout.places.iter().filter(|place| place.column == column).map(|place| name(&place.content)).collect()
}

#[test]
fn the_boxes_are_those_in_trouble_first_and_pools_are_together_by_synapse_workspace() {
    use Health::{Ready, Reconciling, Stalled};
    #[rustfmt::skip]
    let table: [(&str, Vec<Attachment>, [&str; 3]); 7] = [
        ("nothing", vec![], ["", "", ""]),
        ("no identity", vec![attachment("ml", "syn/p", "", Ready)], ["No identity", "ml", "p"]),
        ("one of each kind", vec![attachment("ml", "syn/p", "system own", Ready)], ["own, System-assigned identity", "ml", "p"]),
        ("in trouble first", vec![attachment("a", "syn/pa", "ia", Ready), attachment("b", "syn/pb", "ib", Reconciling), attachment("c", "syn/pc", "ic", Stalled)],
            ["ic, ib, ia", "c, b, a", "pc, pb, pa"]),
        ("the case of names", vec![attachment("ml", "syn/p", "i", Ready), attachment("ML", "SYN/P", "I", Ready)], ["i", "ml", "p"]),
        ("Synapse workspaces", vec![attachment("a", "syn-b/p1", "i", Ready), attachment("b", "syn-a/p2", "i", Ready), attachment("c", "syn-b/p3", "i", Ready)],
            ["i", "a, b, c", "p1, p3, p2"]),
        ("beside what they connect", vec![attachment("a", "syn/z", "z", Ready), attachment("z", "syn/a", "a", Ready)], ["z, a", "a, z", "z, a"]),
    ];
    for (case, attachments, expected) in table {
        let graph = graph(&attachments);
        let layout = Layout::of(&graph);
        let shown = Column::ALL.map(|column| names(&layout, column).join(", "));
        assert_eq!(shown, expected, "{case}");
        let reversed: Vec<_> = attachments.into_iter().rev().collect();
        let again = super::tests::graph(&reversed);
        let again = Column::ALL.map(|column| names(&Layout::of(&again), column).join(", ").to_lowercase());
        assert_eq!(again, expected.map(str::to_lowercase), "{case}, in another order");
    }
}

#[test]
fn lines_bundle_attachments_and_count_each_once() {
    let all = [
        attachment("ml", "syn/p", "one two", Health::Stalled),
        attachment("ml", "syn/p", "one", Health::Ready),
        attachment("ml", "syn/q", "one", Health::Reconciling),
    ];
    let graph = graph(&all);
    let layout = Layout::of(&graph);
    let mut lines: Vec<_> = layout
        .lines
        .iter()
        .map(|line| {
            let name = |at: usize| match &layout.places[at].content {
                Content_::One(node) => node.end.name.as_str(),
                Content_::Others { .. } => "others",
            };
            format!("{}-{}: {}", name(line.from), name(line.to), line.tally.text())
        })
        .collect();
    let last = lines.last().cloned();
    assert!(last.is_some_and(|line| line.contains("stalled")), "those in trouble are drawn last: {lines:?}");
    lines.sort();
    #[rustfmt::skip]
    let expected = ["ml-p: 1 of 2 stalled: PoolNotFound", "ml-q: not ready", "one-ml: 1 of 3 stalled, 1 not ready: PoolNotFound", "two-ml: stalled: PoolNotFound"];
    assert_eq!(lines, expected);
    let totals = graph.nodes.each_ref().map(|nodes| nodes.iter().map(|node| node.tally.total).collect::<Vec<_>>());
    assert_eq!(totals, [vec![3, 1], vec![3], vec![2, 1]]);
}

/// Ten thousand attachments of 1,000 workspaces, 500 pools and 2,000 identities; every 1,111th is stalled.
fn many() -> Vec<Attachment> {
    let state = |number| if number % 1_111 == 5 { Health::Stalled } else { Health::Ready };
    let one = |number: usize| {
        let (workspace, pool) = (format!("ml-{:03}", number % 1_000), format!("syn-{}/pool{}", number % 50, number % 500));
        attachment(&workspace, &pool, &format!("id-{}", number % 2_000), state(number))
    };
    (0..10_000).map(one).collect()
}

#[test]
fn ten_thousand_attachments_are_a_small_picture_that_has_all_that_is_in_trouble() {
    let all = many();
    let graph = graph(&all);
    let layout = Layout::of(&graph);
    for (column, count) in [(Column::Identity, 2_000), (Column::Workspace, 1_000), (Column::Pool, 500)] {
        let names = names(&layout, column);
        assert_eq!(names.len(), SHOWN + 1, "{names:?}");
        assert_eq!(names[SHOWN], format!("{} more, 0 stalled", count - SHOWN), "{names:?}");
    }
    let stalled = |column| {
        let is_bad = |content: &Content_<'_>| matches!(content, Content_::One(node) if node.tally.tone() == Tone::Bad);
        layout.places.iter().filter(|place| place.column == column && is_bad(&place.content)).count()
    };
    assert_eq!(Column::ALL.map(stalled), [9, 9, 9]);
    let (lines, total) = layout.lines.iter().fold((0, 0), |(lines, total), line| (lines + 1, total + line.tally.total));
    assert!(lines <= 2 * (SHOWN + 1) * (SHOWN + 1), "{lines}");
    assert_eq!(total, 20_000, "each attachment has a line on both sides");
    let mut known = Content { connection: Known::Live, ..Content::default() };
    known.attachments.extend(all.into_iter().enumerate().map(|(number, one)| (number.to_string(), one)));
    for form in [Form::Picture, Form::Table] {
        let page = content(&known, form, &Query::default()).into_string();
        assert!(page.len() < 100_000, "{form:?}: {}", page.len());
        assert!(page.contains("more are not shown"), "{form:?}");
    }
}

#[test]
fn boxes_do_not_overlap_and_lines_end_at_their_sides() {
    let all = many();
    let graph = graph(&all);
    let layout = Layout::of(&graph);
    for column in Column::ALL {
        let tops: Vec<_> = layout.places.iter().filter(|place| place.column == column).map(|place| place.y).collect();
        assert!(tops.windows(2).all(|pair| pair[0] + BOX.1 < pair[1]), "{column:?}: {tops:?}");
        assert!(tops.iter().all(|top| top + BOX.1 < layout.height), "{column:?}: {tops:?}");
    }
    for line in &layout.lines {
        for (at, y) in [(line.from, line.heights.0), (line.to, line.heights.1)] {
            let top = layout.places[at].y;
            assert!((top..=top + BOX.1).contains(&y), "{y} is beside {top}");
        }
    }
}

/// What a box leads to selects the attachments that it counts, and no others.
#[test]
fn a_box_leads_to_the_attachments_that_it_counts() {
    use Health::Ready;
    let all = [
        attachment("ml", "syn/p", "", Ready),
        attachment("ml-2", "syn/p", "i", Ready),
        attachment("ml", "syn-2/p", "i-2 system", Ready),
        attachment("ml", "syn/p2", "i", Ready),
    ];
    let graph = graph(&all);
    for column in Column::ALL {
        for node in &graph.nodes[column as usize] {
            let address = column.list(&node.end, &Query::default());
            let parameters = address.strip_prefix("/list?").expect("the list");
            let query: Query = serde_urlencoded::from_str(parameters).expect("parameters");
            assert_eq!(query.selected(all.iter()).0.len(), node.tally.total, "{address}");
        }
    }
}

#[test]
fn a_tally_says_what_is_wrong_and_what_is_worse_comes_first() {
    let tally = |total, stalled, unready| Tally { total, stalled, unready, ..Tally::default() };
    #[rustfmt::skip]
    let table = [
        (tally(9, 3, 2), "3 of 9 stalled, 2 not ready"),
        (tally(9, 2, 0), "2 of 9 stalled"),
        (tally(1, 1, 0), "stalled"),
        (tally(9, 0, 5), "5 of 9 not ready"),
        (tally(1, 0, 1), "not ready"),
        (tally(9, 0, 0), "9 attachments"),
        (tally(1, 0, 0), "1 attachment"),
    ];
    for (tally, text) in &table {
        assert_eq!(&tally.text(), text);
    }
    assert!(table.is_sorted_by_key(|(tally, _)| tally.rank()));
}
