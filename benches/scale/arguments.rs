//! What is measured: the options, and the sizes of each row.

use std::path::PathBuf;
use std::time::Duration;

use azure_emulator::parse_duration;
use clap::{Parser, ValueEnum};

use crate::harness::estate::Shape;

/// From this size on the attachments are spread over several subscriptions: Synapse and Machine Learning have limits for each.
const LARGE: usize = 10_000;
/// The workspaces of a smaller size; and the subscriptions of a large one, with as many workspaces each.
const WORKSPACES: usize = 10;
const SUBSCRIPTIONS: (usize, usize) = (20, 25);
/// The row with few workspaces: attachments in each, and computes of a page.
const FEW: (usize, usize) = (200, 100);

/// Measures attachments against Azure's limits; the result is a page, and JSON of all rows that were ever measured, in --out.
///
/// Without --n each row has its own sizes.
#[derive(Debug, Parser)]
#[command(name = "scale")]
// Many fields: one per option.
pub struct Arguments {
    /// What to measure
    #[arg(long, env = "ROWS", value_delimiter = ',', default_values_t = Kind::value_variants().to_vec())]
    pub rows: Vec<Kind>,
    /// How many attachments
    #[arg(long, env = "N", value_delimiter = ',')]
    pub n: Option<Vec<usize>>,
    /// How many workspaces they are in
    #[arg(long, env = "WORKSPACES")]
    workspaces: Option<usize>,
    /// How many subscriptions the workspaces are in
    #[arg(long, env = "SUBSCRIPTIONS")]
    subscriptions: Option<usize>,
    /// How many computes a page of a LIST has
    #[arg(long, env = "PAGE_SIZE")]
    page_size: Option<usize>,
    /// How long attaching and detaching take
    #[arg(long, env = "OPERATION", default_value = "30s", value_parser = parse_duration)]
    pub operation: Duration,
    /// Who is measured
    #[arg(long, env = "CONTROLLERS", value_delimiter = ',', default_value = "operator,naive")]
    pub controllers: Vec<Who>,
    /// The name of the operator's rows: another for another version
    #[arg(long, env = "LABEL", default_value = "operator")]
    pub label: String,
    /// What the operator was built from [default: the commit that is checked out]
    #[arg(long, env = "COMMIT")]
    pub commit: Option<String>,
    /// How long the rows at rest last
    #[arg(long, env = "REST", default_value = "10m", value_parser = parse_duration)]
    pub rest: Duration,
    /// The operator's resync interval
    #[arg(long, env = "RESYNC", default_value = "5m", value_parser = parse_duration)]
    pub resync: Duration,
    /// A row that takes longer than this many times its bound is stopped
    #[arg(long, env = "FACTOR", default_value_t = 10)]
    pub factor: u32,
    /// The folder for the page and the JSON
    #[arg(long, env = "OUT", default_value = "target/bench")]
    pub out: PathBuf,
    /// Writes the page to this file, too, and the plots to the folder benchmarks next to it
    #[arg(long, env = "PAGE")]
    pub page: Option<PathBuf>,
    /// Measures nothing, and writes the page from the rows of earlier runs
    #[arg(long)]
    pub page_only: bool,
    /// Set by cargo, without an effect
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// All attachments at once, with Azure's limits
    Storm,
    /// The same, with 2 and with 5 identities in Azure
    Principals,
    /// Their end, after the storm
    Detach,
    /// The leader is killed during the storm
    Failover,
    /// Attachments that are Ready are changed during the storm
    Change,
    /// The data plane of a Synapse workspace never answers
    SilentRoles,
    /// The GET of the pools of a Synapse workspace is never answered
    SilentPool,
    /// Computes are changed in Azure
    Drift,
    /// All attachments at once, where Azure has no limits and its operations take no time
    Rate,
    /// From a new object to the first write in Azure, with others at rest
    Latency,
    /// What the process uses at rest
    Memory,
    /// Nothing happens
    Rest,
    /// The same with few workspaces and large pages
    RestFew,
    /// From the start of the process until every object is observed
    Restart,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.to_possible_value().expect("no kind is skipped").get_name())
    }
}

/// Who can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Who {
    /// Ours
    Operator,
    /// The usual pattern of kube-rs; see naive.rs
    Naive,
}

impl Kind {
    /// The sizes that the page has.
    const fn sizes(self) -> &'static [usize] {
        match self {
            Self::SilentRoles | Self::SilentPool => &[40],
            Self::Rate => &[100, 1_000, 10_000],
            Self::Memory => &[0, 100, 1_000, 10_000],
            Self::Rest | Self::Restart => &[1_000, 10_000],
            Self::RestFew => &[10_000],
            _ => &[1_000],
        }
    }

    /// Whether the naive controller has what the row measures.
    pub const fn is_for(self, who: Who) -> bool {
        let is_general =
            matches!(self, Self::Storm | Self::Detach | Self::Rate | Self::Latency | Self::Memory | Self::Rest | Self::Restart);
        matches!(who, Who::Operator) || is_general
    }
}

impl Arguments {
    /// The sizes that are measured, in order.
    pub fn sizes(&self) -> Vec<usize> {
        let own = || self.rows.iter().flat_map(|kind| kind.sizes()).copied().collect();
        let mut sizes: Vec<usize> = self.n.clone().unwrap_or_else(own);
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Whether a row is measured with this size.
    pub fn has(&self, kind: Kind, objects: usize) -> bool {
        self.rows.contains(&kind) && (self.n.is_some() || kind.sizes().contains(&objects))
    }

    /// The shape of a size.
    pub fn shape(&self, objects: usize) -> Shape {
        let (subscriptions, workspaces) =
            if objects < LARGE { (1, WORKSPACES) } else { (SUBSCRIPTIONS.0, SUBSCRIPTIONS.0 * SUBSCRIPTIONS.1) };
        self.adapted(Shape { subscriptions, ..Shape::new(objects, workspaces) })
    }

    /// The same with few workspaces and large pages.
    pub fn few(&self, objects: usize) -> Shape {
        let usual = self.shape(objects);
        let workspaces = objects.div_ceil(FEW.0).max(1);
        let subscriptions = usual.subscriptions.min(workspaces);
        self.adapted(Shape { subscriptions, page_size: FEW.1, ..Shape::new(objects, workspaces) })
    }

    fn adapted(&self, shape: Shape) -> Shape {
        Shape {
            workspaces: self.workspaces.unwrap_or(shape.workspaces),
            subscriptions: self.subscriptions.unwrap_or(shape.subscriptions),
            page_size: self.page_size.unwrap_or(shape.page_size),
            ..shape
        }
    }
}
