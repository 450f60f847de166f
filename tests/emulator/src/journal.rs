//! The requests that the emulator received: the test's evidence of what a client really sent.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One request and the status of its answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
// Many fields: one per property of a request.
pub struct Entry {
    /// Counts from 1, and continues when the journal is emptied.
    pub seq: u64,
    /// The number of the TCP connection on which it arrived; none without a socket.
    pub connection: Option<u64>,
    /// When it arrived. It is processed at that time too, if there is no `late`.
    pub at: Timestamp,
    /// In upper case.
    pub method: String,
    /// As sent. It determines the workspace of a request to Synapse if the path does not.
    pub host: Option<String>,
    /// As sent.
    pub path: String,
    /// As sent, without the question mark.
    pub query: String,
    /// The status that was answered. None if the connection was closed before the request was processed.
    pub status: Option<u16>,
    /// When it is processed although its client got no answer or an error: only with a fault that has `processAfter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// The client ID of the sender, if it is known.
    pub principal: Option<String>,
    /// `x-ms-client-request-id` of the request.
    pub client_request_id: Option<String>,
    /// `x-ms-correlation-request-id` of the answer.
    pub correlation_id: Option<String>,
    /// The JSON of a request to ARM; those to the token endpoint contain secrets and are not kept.
    pub body: Value,
    /// `Bearer` if there was a token; the token itself is not kept.
    pub authorization: Option<&'static str>,
}

/// When a delayed request is processed, and with which result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Late {
    /// The time at which it is processed.
    pub at: Timestamp,
    /// The status that the client does not receive. None until the request is processed.
    pub status: Option<u16>,
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<(Entry, usize)>,
    /// The sum of the entries' sizes.
    bytes: usize,
    last: u64,
}

impl Entry {
    /// About how many bytes it takes: the texts, which differ, and a number for the rest.
    fn size(&self, body: usize) -> usize {
        let texts = [&self.host, &self.principal, &self.client_request_id, &self.correlation_id];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        // A body takes about four times its text once it is parsed.
        256 + self.method.len() + self.path.len() + self.query.len() + texts + 4 * body
    }
}

impl Journal {
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds an entry with a body of so many bytes. The oldest entries are removed if there are more than this, or if they take
    /// more bytes.
    pub(crate) fn push(&mut self, entry: Entry, body: usize, (most, most_bytes): (usize, usize)) {
        let size = entry.size(body);
        self.bytes += size;
        self.entries.push_back((entry, size));
        while self.entries.len() > most || self.bytes > most_bytes {
            let Some((_, size)) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= size;
        }
    }

    /// Those with a higher number than this, oldest first.
    pub(crate) fn since(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        let start = self.entries.partition_point(|(e, _)| e.seq <= seq);
        self.entries.range(start..).map(|(entry, _)| entry)
    }

    /// Records the status of a delayed request. The journal may have dropped it meanwhile.
    pub(crate) fn was_processed(&mut self, seq: u64, status: u16) {
        let found = self.entries.binary_search_by_key(&seq, |(e, _)| e.seq).ok();
        if let Some(late) = found.and_then(|at| self.entries[at].0.late.as_mut()) {
            late.status = Some(status);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}
