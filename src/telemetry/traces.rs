//! Traces by OTLP over HTTP: each reconcile, and in it each request to Azure.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::{Layer, Registry};

use super::More;

/// Where spans go.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Spans go to the collector at this endpoint, as `http://collector:4318`.
    ///
    /// # Errors
    ///
    /// The error names what is wrong with the endpoint.
    pub fn to(endpoint: &str, http: reqwest::Client) -> Result<Self, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Courier { http, runtime: Handle::current() })
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| error.to_string())?;
        let resource = Resource::builder()
            .with_service_name("synapse-spark-operator")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// The layer that receives our spans, of each level, but not those of kube and hyper.
    #[must_use]
    pub fn layer(&self) -> More {
        let is_ours = |target: &str| target.split("::").next() == Some("synapse_spark_operator");
        let ours = filter_fn(move |one| is_ours(one.target()) && (one.is_span() || *one.level() <= Level::INFO))
            .with_max_level_hint(LevelFilter::DEBUG);
        let tracer = self.0.tracer("synapse-spark-operator");
        Layer::<Registry>::boxed(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours))
    }

    /// Sends what is left.
    pub async fn end(self) {
        // It waits for its own thread, which waits for the runtime.
        match tokio::task::spawn_blocking(move || self.0.shutdown()).await {
            Ok(Ok(())) => {}
            failed => tracing::debug!(?failed, "some spans were not sent"),
        }
    }
}

/// Our own HTTP client on our own runtime, for the exporter's thread, which has none.
#[derive(Debug)]
struct Courier {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.try_into()?);
        let sent = async move {
            let answer: reqwest::Response = http.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        let (status, body) = self.runtime.spawn(sent).await??;
        Ok(Response::builder().status(status).body(body)?)
    }
}
