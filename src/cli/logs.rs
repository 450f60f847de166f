//! `logs [NAME]`: the log of the operator that leads, or what it logs about an attachment.

mod leader;
mod line;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use futures::stream::{BoxStream, SelectAll};
use futures::{AsyncBufReadExt, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};

use super::duration::duration;
use super::installation::OperatorArgs;
use super::interrupt::until_interrupted;
use super::kube::{Cluster, Resource};
use super::output::{Output, print, printable, remark};
use crate::planner::status::time::elapsed;
use leader::Source;
use line::{Filter, Line};

#[derive(Debug, Args)]
pub(super) struct Logs {
    /// Only lines about this attachment.
    name: Option<String>,
    /// Only lines about attachments of this namespace. Default with NAME: the namespace of the context.
    #[arg(short, long, value_name = "NAME", help_heading = "Cluster")]
    namespace: Option<String>,
    /// Only lines that are not older than this: 90s, 10m, 1h30m. Default: all that Kubernetes keeps.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// Print new lines as they are logged, also of the next leader, until Ctrl-C or --timeout.
    #[arg(short, long)]
    follow: bool,
    /// The maximum time to follow: 90s, 10m, 1h30m. Default: no limit.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "follow")]
    timeout: Option<Duration>,
    /// The output format. json: the lines as the operator writes them with --log-format json; others are left out.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    operator: OperatorArgs,
}

const LOGS: Resource = Resource { plural: "pods/log", kind: "Pod" };

/// How often the leader is looked up while its log is followed: a standby takes over within seconds.
const LEADER_INTERVAL: Duration = Duration::from_secs(3);

/// A line of a pod, or the end of its log; else why it cannot be read.
type Logged = Result<Option<String>, String>;

impl Logs {
    pub(super) async fn execute(self) -> Result<u8, String> {
        let cluster = self.operator.context.connect().await?;
        let filter = self.filter(&cluster);
        if self.follow {
            return until_interrupted(self.timeout, self.follow(&cluster, &filter)).await.map(|()| 0);
        }
        // One after the other, so that the lines of a pod stay together.
        for source in leader::sources(&cluster, &self.operator).await? {
            let mut lines = std::pin::pin!(self.lines(&cluster, &source, self.since).await?);
            while let Some(line) = lines.try_next().await? {
                self.print(&filter, &line)?;
            }
        }
        Ok(0)
    }

    fn filter(&self, cluster: &Cluster) -> Filter {
        let of_context = self.name.as_ref().map(|_| cluster.namespace.clone());
        Filter { namespace: self.namespace.clone().or(of_context), name: self.name.clone() }
    }

    /// Prints the lines of the leaders, and of those that lead later.
    async fn follow(&self, cluster: &Cluster, filter: &Filter) -> Result<(), String> {
        let mut lines: SelectAll<BoxStream<'static, (Source, Logged)>> = SelectAll::new();
        let mut followed = BTreeSet::new();
        // Of a leader that is found later, only what is newer than the last line.
        let (mut since, mut last_line) = (self.since, None);
        let mut lookups = tokio::time::interval(LEADER_INTERVAL);
        loop {
            tokio::select! {
                Some((source, logged)) = lines.next() => match logged {
                    Ok(Some(line)) => {
                        last_line = Some(Timestamp::now());
                        self.print(filter, &line)?;
                    }
                    Ok(None) => {
                        remark(&format!("the log of {source} has ended; waiting for the next leader"));
                        followed.remove(&source);
                    }
                    Err(error) => remark(&printable(&format!("the log of {source} is interrupted: {error}"))),
                },
                _ = lookups.tick() => {
                    let sources = match leader::sources(cluster, &self.operator).await {
                        Ok(sources) => sources,
                        Err(error) if last_line.is_none() => return Err(error),
                        // The API server may be unavailable for a moment.
                        Err(_) => continue,
                    };
                    if let Some(last) = last_line {
                        since = Some(elapsed(last, Timestamp::now()).unwrap_or_default());
                    }
                    for source in sources.into_iter().filter(|source| followed.insert(source.clone())) {
                        let stream = self.lines(cluster, &source, since).await?.map_ok(Some);
                        let stream = stream.chain(futures::stream::once(async { Ok(None) }));
                        lines.push(stream.map(move |logged| (source.clone(), logged)).boxed());
                    }
                    last_line.get_or_insert_with(Timestamp::now);
                }
            }
        }
    }

    /// The lines of a pod.
    async fn lines(
        &self,
        cluster: &Cluster,
        source: &Source,
        since: Option<Duration>,
    ) -> Result<impl Stream<Item = Result<String, String>> + Send + use<>, String> {
        let params = LogParams {
            container: source.container.clone(),
            follow: self.follow,
            // Kubernetes refuses 0.
            since_seconds: since.map(|since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX).max(1)),
            ..LogParams::default()
        };
        // A log may be quiet for long.
        let pods = Api::<Pod>::namespaced(cluster.watch.clone(), &source.namespace);
        let log = pods.log_stream(&source.pod, &params).await;
        let log = log.map_err(|error| cluster.of(&source.namespace).refused_for(LOGS, &error, "get", &source.pod))?;
        Ok(log.lines().map_err(|error| error.to_string()))
    }

    fn print(&self, filter: &Filter, text: &str) -> Result<(), String> {
        let line = Line::parse(text);
        match self.output {
            _ if !filter.has(&line) => Ok(()),
            Output::Text => print(&line.text()),
            Output::Json if line.is_json() => print(&format!("{text}\n")),
            Output::Json => Ok(()),
        }
    }
}
