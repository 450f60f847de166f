//! Where the picture has what: three columns of boxes, and lines between them. The same attachments have the same picture.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Column, Graph, Node};
use super::tally::{Tally, Tone};

/// The most boxes of a column. What is left out has one box more.
pub(super) const SHOWN: usize = 12;
/// The size of a box, and the distances between boxes, in the picture's pixels.
pub(super) const BOX: (usize, usize) = (264, 52);
const BETWEEN: (usize, usize) = (108, 12);
/// Above the boxes, for the name of the column.
const HEAD: usize = 32;
/// Above the first pool of a Synapse workspace, for its name.
const GROUP: usize = 28;
/// Around everything, so that no outline is cut off.
const MARGIN: usize = 4;
/// The width of the picture.
pub(super) const WIDTH: usize = 3 * BOX.0 + 2 * BETWEEN.0 + 2 * MARGIN;

/// What a box stands for.
#[derive(Debug)]
pub(super) enum Content<'g> {
    One(&'g Node),
    /// How many others there are in the column, and how many of these concern an attachment that is stalled.
    Others {
        count: usize,
        stalled: usize,
    },
}

#[derive(Debug)]
pub(super) struct Place<'g> {
    pub(super) column: Column,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) content: Content<'g>,
}

/// The attachments between two boxes, by the indices of their places.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Where it begins and ends.
    pub(super) heights: (usize, usize),
    pub(super) tally: Tally,
}

/// The picture.
#[derive(Debug)]
pub(super) struct Layout<'g> {
    pub(super) places: Vec<Place<'g>>,
    /// Those in trouble last, so that they are drawn above the others.
    pub(super) lines: Vec<Line>,
    /// The names of the Synapse workspaces, and where.
    pub(super) groups: Vec<(&'g str, usize, usize)>,
    pub(super) height: usize,
}

impl<'g> Layout<'g> {
    pub(super) fn of(graph: &'g Graph) -> Self {
        let shown = Column::ALL.map(|column| shown(&graph.nodes[column as usize]));
        let pairs = pairs(graph);
        let workspaces: BTreeMap<_, _> = shown[1].iter().enumerate().map(|(at, index)| (*index, at)).collect();
        let order = |column: Column, side: &BTreeMap<(usize, usize), Tally>, is_left: bool| {
            let mut order = shown[column as usize].clone();
            let neighbours = |index: usize| {
                let of = side.keys().filter(move |pair| index == if is_left { pair.0 } else { pair.1 });
                let at: Vec<_> = of.filter_map(|pair| workspaces.get(if is_left { &pair.1 } else { &pair.0 })).collect();
                // In hundredths of a place, so that it can be compared.
                if at.is_empty() { usize::MAX } else { 100 * at.iter().copied().sum::<usize>() / at.len() }
            };
            order.sort_by_cached_key(|index| {
                let node = graph.node(column, *index);
                (Reverse(node.tally.tone() == Tone::Bad), neighbours(*index), node.end.name.to_lowercase(), node.end.key())
            });
            order
        };
        let identities = order(Column::Identity, &pairs[0], true);
        let pools = grouped(graph, &order(Column::Pool, &pairs[1], false));
        Drawing::of(graph).draw(&[identities, shown[1].clone(), pools], &pairs)
    }
}

/// The indices of the nodes that are shown: those with the most trouble first, then by name.
fn shown(nodes: &[Node]) -> Vec<usize> {
    let mut order: Vec<_> = (0..nodes.len()).collect();
    order.sort_by_cached_key(|index| {
        let node = &nodes[*index];
        (node.tally.rank(), node.end.name.to_lowercase(), node.end.key())
    });
    // A box for the others would save nothing if it stood for one.
    if order.len() > SHOWN + 1 {
        order.truncate(SHOWN);
    }
    order
}

/// The attachments of each identity and workspace, and of each workspace and pool.
fn pairs(graph: &Graph) -> [BTreeMap<(usize, usize), Tally>; 2] {
    let mut pairs: [BTreeMap<_, Tally>; 2] = Default::default();
    for ((workspace, pool), connection) in &graph.connections {
        pairs[1].entry((*workspace, *pool)).or_default().add(&connection.tally);
        for (identity, tally) in &connection.identities {
            pairs[0].entry((*identity, *workspace)).or_default().add(tally);
        }
    }
    pairs
}

/// The same pools, with those of a Synapse workspace together, in the order of the first of each.
fn grouped(graph: &Graph, pools: &[usize]) -> Vec<usize> {
    let place = |index: usize| graph.node(Column::Pool, index).end.place.to_lowercase();
    let mut seen = BTreeSet::new();
    let groups = pools.iter().map(|index| place(*index)).filter(|place| seen.insert(place.clone()));
    groups.flat_map(|group| pools.iter().copied().filter(move |index| place(*index) == group)).collect()
}

struct Drawing<'g> {
    graph: &'g Graph,
    layout: Layout<'g>,
    /// The place of each node that has one, and of the others of its column.
    at: [BTreeMap<usize, usize>; 3],
    others: [usize; 3],
}

impl<'g> Drawing<'g> {
    fn of(graph: &'g Graph) -> Self {
        let layout = Layout { places: Vec::new(), lines: Vec::new(), groups: Vec::new(), height: 0 };
        Self { graph, layout, at: Default::default(), others: [0; 3] }
    }

    fn draw(mut self, columns: &[Vec<usize>; 3], pairs: &[BTreeMap<(usize, usize), Tally>; 2]) -> Layout<'g> {
        let heights = Column::ALL.map(|column| self.column(column, &columns[column as usize]));
        let height = heights.into_iter().max().unwrap_or_default();
        // Shorter columns are in the middle, which makes their lines shorter.
        let shift = |column: Column| (height - heights[column as usize]) / 2;
        for place in &mut self.layout.places {
            place.y += shift(place.column);
        }
        for (_, _, y) in &mut self.layout.groups {
            *y += shift(Column::Pool);
        }
        self.layout.height = height + MARGIN;
        for (side, pairs) in pairs.iter().enumerate() {
            self.lines(side, pairs);
        }
        self.layout.lines.sort_by_key(|line| line.tally.tone());
        self.layout
    }

    /// Puts the boxes of a column below each other, and gives where they end.
    fn column(&mut self, column: Column, shown: &[usize]) -> usize {
        let nodes = &self.graph.nodes[column as usize];
        let x = MARGIN + column as usize * (BOX.0 + BETWEEN.0);
        let mut y = HEAD;
        let mut group = "";
        for index in shown {
            let node = &nodes[*index];
            if column == Column::Pool && !node.end.place.eq_ignore_ascii_case(group) {
                group = &node.end.place;
                self.layout.groups.push((group, x, y));
                y += GROUP;
            }
            self.at[column as usize].insert(*index, self.layout.places.len());
            self.layout.places.push(Place { column, x, y, content: Content::One(node) });
            y += BOX.1 + BETWEEN.1;
        }
        let others = || nodes.iter().enumerate().filter(|(index, _)| !self.at[column as usize].contains_key(index));
        let (count, stalled) = (others().count(), others().filter(|(_, node)| node.tally.stalled > 0).count());
        if count > 0 {
            self.others[column as usize] = self.layout.places.len();
            self.layout.places.push(Place { column, x, y, content: Content::Others { count, stalled } });
            y += BOX.1 + BETWEEN.1;
        }
        y - BETWEEN.1
    }

    /// Draws the lines between two columns. Those of a box are spread over its side, in the order in which they arrive.
    fn lines(&mut self, side: usize, pairs: &BTreeMap<(usize, usize), Tally>) {
        let mut bundles = BTreeMap::<_, Tally>::new();
        let place = |column: usize, index: &usize| *self.at[column].get(index).unwrap_or(&self.others[column]);
        for ((left, right), tally) in pairs {
            bundles.entry((place(side, left), place(side + 1, right))).or_default().add(tally);
        }
        let height = |at: usize| self.layout.places[at].y;
        let spread = |at: usize, other: usize, others: &mut dyn Iterator<Item = usize>| {
            let (mut before, mut all) = (1, 0);
            for one in others {
                all += 1;
                before += usize::from(height(one) < height(other));
            }
            height(at) + BOX.1 * before / (all + 1)
        };
        let lines: Vec<_> = bundles
            .iter()
            .map(|(&(from, to), tally)| {
                let start = spread(from, to, &mut bundles.keys().filter(|pair| pair.0 == from).map(|pair| pair.1));
                let end = spread(to, from, &mut bundles.keys().filter(|pair| pair.1 == to).map(|pair| pair.0));
                Line { from, to, heights: (start, end), tally: tally.clone() }
            })
            .collect();
        self.layout.lines.extend(lines);
    }
}
