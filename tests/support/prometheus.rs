//! Starts a real Prometheus or VictoriaMetrics with samples of our choice, also of the future: those come true while a test runs.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{http, try_http, wait_for};

/// Samples of any series.
#[derive(Default)]
pub struct Samples(Vec<(String, i64, f64)>);

impl Samples {
    /// Adds samples `(time [ms], value)` of a series, such as `requests_total{instance="a"}`.
    pub fn add(mut self, series: &str, points: impl IntoIterator<Item = (i64, f64)>) -> Self {
        self.0.extend(points.into_iter().map(|(at_ms, value)| (series.to_owned(), at_ms, value)));
        self
    }

    /// Adds a counter that grows at `rate(time [ms])` per second, with a sample each `every_ms` from `from_ms` to `to_ms`.
    pub fn counter(self, series: &str, (from_ms, to_ms, every_ms): (i64, i64, i64), rate: impl Fn(i64) -> f64) -> Self {
        let mut count = 0.0;
        let points = (from_ms..=to_ms).step_by(usize::try_from(every_ms).unwrap()).map(|at_ms| {
            count += rate(at_ms) * every_ms as f64 / 1_000.0;
            (at_ms, count)
        });
        self.add(series, points)
    }

    fn open_metrics(&self) -> String {
        let mut text = String::new();
        for (series, at_ms, value) in &self.0 {
            writeln!(text, "{series} {value} {}.{:03}", at_ms.div_euclid(1_000), at_ms.rem_euclid(1_000)).unwrap();
        }
        text + "# EOF\n"
    }

    fn exposition(&self) -> String {
        let mut text = String::new();
        for (series, at_ms, value) in &self.0 {
            writeln!(text, "{series} {value} {at_ms}").unwrap();
        }
        text
    }
}

/// A running server; it ends with the test.
pub struct Peer {
    program: &'static str,
    arguments: Vec<String>,
    ready: &'static str,
    folder: tempfile::TempDir,
    address: String,
    /// Whether it speaks TLS, and whoever asks must say who it is.
    secure: bool,
    child: Option<Child>,
}

impl Peer {
    /// A Prometheus with these samples, which scrapes these targets (`host:port`) each second.
    pub fn prometheus(samples: &Samples, targets: &[&str]) -> Self {
        let mut peer = Self::new("prometheus", "/-/ready");
        if !samples.0.is_empty() {
            let file = peer.path("samples.txt");
            fs::write(&file, samples.open_metrics()).unwrap();
            let mut blocks = Command::new("promtool");
            blocks.args(["tsdb", "create-blocks-from", "openmetrics", "-q"]).arg(&file).arg(peer.path("data"));
            assert!(blocks.stdout(Stdio::null()).status().unwrap_or_else(|error| missing("promtool", &error)).success());
        }
        let config =
            format!("global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: api, static_configs: [{{targets: {targets:?}}}]}}]\n");
        fs::write(peer.path("prometheus.yml"), config).unwrap();
        peer.arguments = vec![
            format!("--config.file={}", peer.path("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", peer.path("data").display()),
            "--storage.tsdb.retention.time=10y".into(),
            format!("--web.listen-address={}", peer.address),
        ];
        peer.start();
        peer
    }

    /// A Prometheus with these samples that lets in whom this web configuration (TLS, users) says.
    pub fn prometheus_behind(samples: &Samples, web: &str) -> Self {
        let mut peer = Self::prometheus(samples, &[]);
        peer.stop();
        fs::write(peer.path("web.yml"), web).unwrap();
        peer.arguments.push(format!("--web.config.file={}", peer.path("web.yml").display()));
        peer.secure = true;
        peer.start();
        peer
    }

    /// A VictoriaMetrics with these samples.
    pub fn victoria_metrics(samples: &Samples) -> Self {
        let mut peer = Self::new("victoria-metrics", "/health");
        peer.arguments = vec![
            format!("-storageDataPath={}", peer.path("data").display()),
            "-retentionPeriod=10y".into(),
            format!("-httpListenAddr={}", peer.address),
        ];
        peer.start();
        let (status, text) = http(&peer.address, "POST", "/api/v1/import/prometheus", &[], &samples.exposition());
        assert_eq!(status, 204, "{text}");
        // What was imported is searched a moment later, unless it is told to.
        http(&peer.address, "GET", "/internal/force_flush", &[], "");
        peer
    }

    fn new(program: &'static str, ready: &'static str) -> Self {
        // Free now, and ours in a moment: VictoriaMetrics doesn't tell which port it took by itself.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Self { program, arguments: Vec::new(), ready, folder: tempfile::tempdir().unwrap(), address, secure: false, child: None }
    }

    /// Starts it, also again after [`Self::stop`], at the same address with the same data.
    pub fn start(&mut self) {
        let log = fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new(self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| missing(self.program, &error));
        wait_for(&format!("{} at {}", self.program, self.address), || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended with {ended:?}:\n{}", self.program, fs::read_to_string(self.path("log")).unwrap());
            // Asked in plain HTTP, a server with TLS answers 400.
            let ready = if self.secure { 400 } else { 200 };
            let answer = try_http(&self.address, "GET", self.ready, &[], "");
            answer.is_ok_and(|(status, _)| status == ready).then_some(())
        });
        self.child = Some(child);
    }

    /// `kill -9`.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Base address.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!("{program} can't be started ({error}): run scripts/peers, which installs it (apt-get install prometheus victoria-metrics)")
}
