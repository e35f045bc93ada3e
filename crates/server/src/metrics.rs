//! The numbers at `/metrics`, in Prometheus' text format.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::{fmt, sync::OnceLock, time::Duration};

/// The process has one recorder, however many servers run in it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Seconds, from an indexed read to a source that is slow to test.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// Access to the process's numbers.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Starts recording, unless the process does already. A program that has set a recorder of its own
    /// keeps it, and finds our numbers there.
    pub(crate) fn start() -> Self {
        let handle = RECORDER.get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder = builder.set_buckets(&BUCKETS).unwrap_or_default();
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::info!("this program records metrics by itself: /metrics stays empty");
            }
            handle
        });
        describe();
        Self(handle.clone())
    }

    /// All numbers.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the memory of histograms bounded while nobody reads them.
    pub(crate) async fn keep_up(self) {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.0.run_upkeep();
        }
    }
}

fn describe() {
    metrics::describe_counter!(
        "headwater_http_requests_total",
        "Requests answered, by route and status."
    );
    metrics::describe_histogram!(
        "headwater_http_request_duration_seconds",
        "How long answers took, by route and status."
    );
    metrics::gauge!("headwater_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
