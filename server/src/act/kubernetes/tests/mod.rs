//! The actuator against a scripted API server. Every scenario is a test, and all of them together show which rights the code uses.

mod check;
mod failures;
mod floor;
mod owners;
mod pods;
mod rights;
mod scale;
#[path = "../../../../../tests/support/kubernetes/mod.rs"]
mod server;
mod targets;
mod watch;

use planner::{DecisionId, Order, OrderId};
use serde_json::{Value, json};

use super::*;
use server::{Answer, Call, Server};

pub(super) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/web";
pub(super) const SCALE: &str = "/apis/apps/v1/namespaces/default/deployments/web/scale";
pub(super) const HPA_LIST: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
pub(super) const HPA: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/web";
pub(super) const SCALED_OBJECT_LIST: &str = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects";
pub(super) const PODS: &str = "/api/v1/namespaces/default/pods";

/// Makes a test of each scenario, and a function that plays them all. With a thread for the actuator's own tasks: the server waits in threads.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod run {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 1)] async fn $name() { super::$name().await; })+
        }
        pub(super) async fn all() -> Vec<super::Call> {
            let mut calls = Vec::new();
            $(calls.extend($name().await);)+
            calls
        }
    };
}
pub(super) use scenarios;

/// An actuator for the recorded Deployment, that is `web` in namespace `default`.
pub(super) async fn actuator(server: &Server, change: impl FnOnce(&mut Options)) -> Kubernetes {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options {
        kubeconfig: Some(server.kubeconfig(folder.path())),
        context: None,
        namespace: "default".into(),
        target: "deployment/web".parse().unwrap(),
        way: Way::Auto,
        take_over: false,
        dry_run: false,
        timeout: Duration::from_secs(10),
        port: Some(8_080),
    };
    change(&mut options);
    Kubernetes::connect(options, Clock::start(1_700_000_000_000, 1.0)).await.unwrap()
}

pub(super) fn order(id: u64, target: u32, attempt: u32) -> Order {
    Order { id: OrderId(id), service: "web".into(), target, from: 2, decision: DecisionId(1), issued_ms: 0, attempt }
}

pub(super) async fn refused(actuator: &Kubernetes, order: &Order) -> ActError {
    actuator.scale(order).await.expect_err("this order is refused")
}

/// That each of these words is in the sentence.
#[track_caller]
pub(super) fn says(error: &ActError, retry: bool, words: &[&str]) {
    assert_eq!(error.retry, retry, "{error}");
    assert!(words.iter().all(|word| error.text.contains(word)), "{words:?} in: {error}");
}

pub(super) fn list(items: Value) -> Answer {
    Answer::json(200, json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": items }))
}

/// No HPA, and no KEDA in the cluster.
pub(super) fn alone(server: &Server) {
    server.always("GET", HPA_LIST, list(json!([])));
    server.always("GET", SCALED_OBJECT_LIST, Answer::status(404, "404 page not found"));
}

/// The replicas, once there are so many.
pub(super) async fn until_there_are(actuator: &Kubernetes, count: usize) -> Vec<Replica> {
    let mut seen = actuator.observe().await;
    until(&format!("{count} replicas"), async || {
        seen = actuator.observe().await;
        seen.as_ref().is_ok_and(|replicas| replicas.len() == count)
    })
    .await;
    seen.unwrap()
}

/// Waits for a condition until a deadline.
pub(super) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What must have been written, call by call.
pub(super) fn writes(calls: &[Call]) -> Vec<&Value> {
    calls.iter().filter(|call| call.method == "PATCH").map(|call| &call.body).collect()
}
