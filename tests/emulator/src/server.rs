//! The sockets and the clock around [`Azure`].

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::azure::Azure;
use crate::exchange::{Answer, Carrier, Connection, Request};
use crate::settings::Settings;
use crate::tls;
use crate::world::seed::Seed;

/// How to start an emulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host name that clients use instead of the address; they must be able to resolve it.
    pub name: Option<String>,
    /// Where `ca.pem` is written; the folder is created. Two emulators need two.
    pub dir: PathBuf,
    /// The resources; empty: those of Microsoft's documentation.
    pub seed: Vec<Seed>,
    /// The duration of the operation of a PUT or DELETE of a compute.
    pub operation_duration: Duration,
    /// A merge patch of the other settings, as for the control API.
    pub settings: Value,
}

impl Options {
    /// On a free port of loopback, with the default seed, and operations that end at the next access.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self {
            listen: ([127, 0, 0, 1], 0).into(),
            name: None,
            dir: dir.into(),
            seed: Vec::new(),
            operation_duration: Duration::ZERO,
            settings: json!({}),
        }
    }
}

/// A running emulator; it stops when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    azure: Arc<Mutex<Azure>>,
    endpoint: String,
    ca_pem: String,
    ca_file: PathBuf,
    task: JoinHandle<()>,
}

impl Emulator {
    /// Starts one on the current tokio runtime; it answers when this returns.
    ///
    /// # Errors
    ///
    /// If it can't listen there, can't write `ca.pem`, the seed has an invalid ARM ID, or a setting is unknown.
    pub async fn start(options: Options) -> io::Result<Self> {
        let settings = Settings { operation_duration: options.operation_duration, ..Settings::default() };
        let settings = settings.patched(&options.settings).map_err(io::Error::other)?;
        let tls = tls::make(options.listen.ip(), options.name.as_deref())?;
        tokio::fs::create_dir_all(&options.dir).await?;
        let ca_file = options.dir.join("ca.pem");
        tokio::fs::write(&ca_file, &tls.ca_pem).await?;
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let endpoint = match &options.name {
            Some(name) => format!("https://{name}:{}", address.port()),
            None => format!("https://{address}"),
        };

        let mut azure = Azure::salted(&endpoint, Uuid::new_v4());
        *azure.settings_mut() = settings;
        let seeds = if options.seed.is_empty() { vec![Seed::documented()] } else { options.seed };
        for seed in seeds {
            azure.seed(Timestamp::now(), seed).map_err(io::Error::other)?;
        }
        let azure = Arc::new(Mutex::new(azure));
        let task = tokio::spawn(serve(listener, TlsAcceptor::from(tls.config), Arc::clone(&azure)));
        Ok(Self { azure, endpoint, ca_pem: tls.ca_pem, ca_file, task })
    }

    /// Such as `https://127.0.0.1:40123`: of ARM, of Entra and of the control API.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Such as `https://127.0.0.1:40123/synapse/{workspace}`, with this placeholder: the data plane of a Synapse
    /// workspace, for clients that can't resolve `{workspace}.dev.azuresynapse.net` to this address.
    #[must_use]
    pub fn synapse(&self) -> String {
        format!("{}/synapse/{{workspace}}", self.endpoint)
    }

    /// The CA to trust, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The file with [`Self::ca_pem`].
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The state behind the sockets, for a test in the same process.
    #[must_use]
    pub fn azure(&self) -> Arc<Mutex<Azure>> {
        Arc::clone(&self.azure)
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        self.task.abort();
        // It ends only when it is aborted, so there is no result.
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, azure: Arc<Mutex<Azure>>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    let mut accepted_so_far = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    accepted_so_far += 1;
                    connections.spawn(connection(stream, accepted_so_far, acceptor.clone(), Arc::clone(&azure)));
                }
                // For example, the process has no free file descriptors: there may be some a moment later.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, number: u64, acceptor: TlsAcceptor, azure: Arc<Mutex<Azure>>) {
    // A delayed ACK would cost every answer 40 ms.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_reused = AtomicBool::new(false);
    let service = service_fn(|request| {
        let carrier = Carrier { connection: number, is_reused: is_reused.swap(true, Ordering::Relaxed) };
        exchange(request, carrier, Arc::clone(&azure))
    });
    // An error here is a connection that was closed, by us on purpose or by the client.
    let _closed = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error makes hyper close the connection without an answer.
async fn exchange(
    request: hyper::Request<Incoming>,
    carrier: Carrier,
    azure: Arc<Mutex<Azure>>,
) -> io::Result<hyper::Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let headers = parts.headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
        carrier: Some(carrier),
    };
    let answer = azure.lock().unwrap_or_else(PoisonError::into_inner).answer(Timestamp::now(), &request);
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    match answer.connection {
        Connection::Kept => response(answer),
        Connection::Reset | Connection::Lost => Err(io::Error::other("a test asked for no answer")),
    }
}

fn response(answer: Answer) -> io::Result<hyper::Response<Full<Bytes>>> {
    let mut builder = hyper::Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(answer.body))).map_err(io::Error::other)
}
