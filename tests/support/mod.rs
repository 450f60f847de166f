//! What the tests of the whole operator use: a control plane, an Azure, an operator, and a world for each test.

mod audit;
mod azure;
mod chart;
mod operator;
mod plane;
mod record;
mod world;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

pub use audit::{ACCOUNT, NAMESPACE};
pub use azure::{Azure, CLIENT, TENANT};
pub use chart::{CHART, HELMS, gotool, helm, template};
pub use operator::{Operator, as_in_a_pod};
pub use plane::Plane;
pub use world::{OWNER_TAG, World};

/// The time limit of every wait.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// The interval of polls for a condition that cannot be watched.
const BEAT: Duration = Duration::from_millis(50);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("no TLS provider has been installed yet");
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs a future on the shared runtime, which outlives every test.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// Runs it on the shared runtime, concurrently with everything else.
pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    RUNTIME.spawn(future)
}

/// Polls until there is a result, or the deadline is over.
pub fn poll<T>(longest: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + longest;
    loop {
        match ask() {
            Some(answer) => return Some(answer),
            None if Instant::now() > end => return None,
            None => std::thread::sleep(BEAT),
        }
    }
}

/// A number that is unique in this process.
fn number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// A folder of this process's own, inside cargo's.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cluster-{}", std::process::id())).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// The last lines of a file that contain a word.
fn tail(file: &Path, word: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<_> = text.lines().filter(|line| line.contains(word)).collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
