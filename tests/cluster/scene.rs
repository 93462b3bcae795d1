//! What all of these tests begin with: the load, the cluster, the configuration, and how what happened is read.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::kubernetes::{Answer, Call, Server as Cluster};
use crate::support::postgres::PASSWORD;
use crate::support::prometheus::{Peer, Samples};
use crate::support::serve::Server;
use crate::support::{DEADLINE, wait_for};

pub const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/web";
pub const SCALE: &str = "/apis/apps/v1/namespaces/default/deployments/web/scale";
pub const HPA_LIST: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
pub const HPA: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/web";
const SCALED_OBJECT_LIST: &str = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects";
pub const PODS: &str = "/api/v1/namespaces/default/pods";

/// Replicas before the climb.
pub const BEFORE: u32 = 2;
/// Replicas that the climb needs: five would hold 500 requests/s, and the rails allow no more than these.
pub const ORDERED: u32 = 6;
/// What one replica holds [requests/s].
const HOLDS: f64 = 100.0;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A load that is high for eight hours a day.
#[derive(Clone, Copy)]
struct Trace {
    /// The next climb.
    climb_ms: i64,
}

impl Trace {
    fn rate(self, at_ms: i64) -> f64 {
        if (at_ms - self.climb_ms).rem_euclid(DAY_MS) < DAY_MS / 3 { 560.0 } else { 100.0 }
    }

    /// The first second from now on in which so many replicas don't hold the load.
    fn exceeds(self, replicas: u32) -> i64 {
        let from_ms = now_ms().div_euclid(SECOND_MS) * SECOND_MS;
        let mut seconds = (from_ms..from_ms + DAY_MS).step_by(1_000);
        seconds.find(|at_ms| self.rate(*at_ms) > f64::from(replicas) * HOLDS).expect("it climbs each day")
    }
}

/// What a test has in its configuration beside what they all have.
pub struct More {
    /// Further lines of `[server]`.
    pub server: String,
    /// Further keys of the service.
    pub service: &'static str,
    /// Replicas that may be added at a time.
    pub step_up: u32,
}

impl Default for More {
    fn default() -> Self {
        Self { server: String::new(), service: "", step_up: 20 }
    }
}

/// Prometheus with nine days of the load and half an hour of its future, and a cluster with two replicas.
pub struct Scene {
    trace: Trace,
    pub prometheus: Peer,
    pub cluster: Cluster,
    config: PathBuf,
    /// Goes with the scene.
    _folder: tempfile::TempDir,
}

impl Scene {
    pub fn new(more: &More) -> Self {
        let minute_ms = now_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
        let trace = Trace { climb_ms: minute_ms + 4 * MINUTE_MS };
        let every = (minute_ms - 9 * DAY_MS, minute_ms + 30 * MINUTE_MS, 10 * SECOND_MS);
        let prometheus = Peer::prometheus(&Samples::default().counter("requests_total", every, |at_ms| trace.rate(at_ms)), &[]);
        let cluster = Cluster::with_deadline(DEADLINE);
        cluster
            .always("GET", HPA_LIST, list(json!([])))
            .always("GET", SCALED_OBJECT_LIST, Answer::status(404, "404 page not found"))
            .always("GET", SCALE, Answer::recorded("03"))
            .always("GET", DEPLOYMENT, Answer::recorded("09"));
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prescale.toml");
        let text = configuration(folder.path(), &prometheus.url(), &cluster.kubeconfig(folder.path()), more);
        std::fs::write(&config, text).unwrap();
        let scene = Self { trace, prometheus, cluster, config, _folder: folder };
        scene.pods(BEFORE, BEFORE);
        scene
    }

    pub fn serve(&self) -> Server {
        Server::start_with(&self.config, &[("PRESCALE_LOG", "info"), ("DATABASE_PASSWORD", PASSWORD)])
    }

    /// Saves the configuration with something else in the place of some parts of it.
    #[track_caller]
    pub fn rewrite(&self, parts: &[(&str, &str)]) {
        let mut text = std::fs::read_to_string(&self.config).unwrap();
        for (part, by) in parts {
            assert!(text.contains(part), "{part} is not in the configuration:\n{text}");
            text = text.replace(part, by);
        }
        // At once, as an editor does: half a file would be read as one.
        let next = self.config.with_extension("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(&next, &self.config).unwrap();
    }

    /// There is a minute left, or more, before the load exceeds what the replicas hold that there were before.
    #[track_caller]
    pub fn is_in_time(&self) {
        let ahead_ms = self.trace.exceeds(BEFORE) - now_ms();
        assert!(ahead_ms >= MINUTE_MS, "only {ahead_ms} ms before the load exceeds what {BEFORE} replicas hold");
    }

    /// The cluster has so many pods from now on, of which so many are ready.
    pub fn pods(&self, all: u32, ready: u32) {
        self.cluster.holds(PODS, (1..=all).map(|number| pod(number, number <= ready)).collect());
    }

    /// The cluster has done what it was told.
    pub fn scale_is(&self, replicas: u32) {
        self.cluster.always("GET", SCALE, scaled(replicas));
    }

    /// Every write so far.
    pub fn writes(&self) -> Vec<Call> {
        self.cluster.calls().into_iter().filter(|call| call.method != "GET").collect()
    }
}

fn configuration(folder: &Path, prometheus: &str, kubeconfig: &Path, more: &More) -> String {
    let (data, kubeconfig) = (folder.join("data"), kubeconfig.display());
    let More { server, service, step_up } = more;
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
data_dir = "{}"
{server}
[prometheus]
url = "{prometheus}"
step = "10s"
[[services]]
name = "shop"
load = "sum(rate(requests_total[1m]))"
mode = "automatic"
slo = {{ latency_ms = 500, percentile = 99 }}
capacity = {{ rps_per_replica = {HOLDS} }}
lead_time = "6m"
rails = {{ min = {BEFORE}, max = {ORDERED}, step_up = {step_up} }}
timing = {{ tick = "1s", read_every = "1s", stale_after = "20s" }}
act = {{ kind = "kubernetes", kubeconfig = "{kubeconfig}", target = "deployment/web", port = 8080, timeout = "2s" }}
{service}
"#,
        data.display()
    )
}

pub fn list(items: Value) -> Answer {
    Answer::json(200, json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": items }))
}

/// The scale after so many replicas were asked for.
pub fn scaled(replicas: u32) -> Answer {
    Answer::recorded("04").with("/spec/replicas", replicas)
}

/// A recorded pod under another identity: one of those that were there before, or one that was made just now.
fn pod(number: u32, ready: bool) -> Value {
    let age_s = if number <= BEFORE { 3_600 } else { 0 };
    let at = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - age_s).unwrap().to_string();
    let condition = |kind: &str, is: bool| json!({ "type": kind, "status": if is { "True" } else { "False" }, "lastTransitionTime": at });
    let recorded = Answer::recorded("17").value()["items"][0].clone();
    Answer::json(200, recorded)
        .with("/metadata/name", format!("web-{number}"))
        .with("/metadata/uid", format!("uid-{number}"))
        .with("/metadata/creationTimestamp", at.clone())
        .with("/status/containerStatuses/0/state/running/startedAt", at.clone())
        .with("/status/podIP", format!("127.0.1.{number}"))
        .with("/status/conditions", json!([condition("PodScheduled", true), condition("Initialized", true), condition("Ready", ready)]))
        .value()
}

/// What the API shows of the service.
pub trait Shown {
    fn shop(&self) -> Value;
    /// Ready replicas, and how many are wanted.
    fn replicas(&self) -> (u64, u64);
    /// The decisions that raised the number of replicas, newest first.
    fn orders(&self) -> Vec<Value>;
    /// The only one of them.
    fn order(&self) -> Value;
    /// Waits until the order has come so far.
    fn wait_for_outcome(&self, outcome: &str) -> Value;
}

impl Shown for Server {
    fn shop(&self) -> Value {
        self.get("/api/v1/services/shop")
    }

    fn replicas(&self) -> (u64, u64) {
        let shop = self.shop();
        let count = |what: &str| shop["replicas"][what].as_u64().unwrap_or(0);
        (count("ready"), count("desired"))
    }

    fn orders(&self) -> Vec<Value> {
        let page = self.get("/api/v1/services/shop/decisions?limit=500");
        page["decisions"].as_array().unwrap().iter().filter(|decision| decision["action"] == "up").cloned().collect()
    }

    fn order(&self) -> Value {
        let mut orders = self.orders();
        assert_eq!(orders.len(), 1, "{orders:?}");
        orders.remove(0)
    }

    fn wait_for_outcome(&self, outcome: &str) -> Value {
        wait_for(&format!("the order to be {outcome}"), || {
            let orders = self.orders();
            assert!(orders.len() <= 1, "{orders:?}");
            orders.into_iter().find(|order| order["outcome"] == outcome)
        })
    }
}
