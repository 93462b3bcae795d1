use super::*;
use crate::demo::backend::ServiceTime;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(20);

/// At this speed a domain minute is 60 ms of wall time.
const SPEED: f64 = 1_000.0;

fn config(dir: &Path) -> LocalConfig {
    LocalConfig {
        dir: dir.to_owned(),
        backend: BackendConfig {
            concurrency: 4,
            queue: 4,
            service_time: ServiceTime::Fixed { mean_ms: 5.0 },
            boot: Duration::from_secs(30),
            seed: 3,
        },
        initial: 2,
        drain: Duration::from_secs(30),
        drain_deadline: Duration::from_secs(600),
    }
}

async fn open(dir: &Path) -> LocalFleet {
    LocalFleet::open(config(dir), Clock::start(0, SPEED)).await.unwrap()
}

async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn ids(fleet: &LocalFleet, state: ReplicaState) -> Vec<u32> {
    fleet.replicas().iter().filter(|replica| replica.state == state).map(|replica| replica.id).collect()
}

async fn ready(fleet: &LocalFleet, count: usize) {
    until("as many ready replicas as ordered", || ids(fleet, ReplicaState::Ready).len() == count && fleet.replicas().len() == count).await;
}

#[tokio::test]
async fn a_fleet_goes_up_and_down_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let fleet = open(dir.path()).await;
    assert_eq!(fleet.restored(), None);
    assert_eq!(fleet.replicas().iter().map(|replica| (replica.id, replica.ordered_ms)).collect::<Vec<_>>(), [(1, None), (2, None)]);
    fleet.bring_to(1, 5).await.unwrap();
    assert_eq!(fleet.replicas().len(), 5);
    ready(&fleet, 5).await;
    let lead: Vec<i64> = fleet.replicas().iter().filter_map(|replica| Some(replica.ready_ms? - replica.ordered_ms?)).collect();
    assert!(lead.len() == 3 && lead.iter().all(|lead| *lead >= 30_000), "boot takes its domain time: {lead:?}");
    fleet.bring_to(2, 3).await.unwrap();
    // On a busy machine they may have drained already: that is a few milliseconds of the wall's time.
    assert_eq!(ids(&fleet, ReplicaState::Ready), [1, 2, 3]);
    assert!(ids(&fleet, ReplicaState::Draining).iter().all(|id| [4, 5].contains(id)));
    ready(&fleet, 3).await;
    assert_eq!(ids(&fleet, ReplicaState::Ready), [1, 2, 3]);
    assert!(fleet.replica_ms() > 0);
}

#[tokio::test]
async fn a_replica_that_still_boots_is_dropped_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut slow = config(dir.path());
    slow.backend.boot = Duration::from_secs(3_600 * 24);
    let fleet = LocalFleet::open(slow, Clock::start(0, SPEED)).await.unwrap();
    until("the first are ready", || ids(&fleet, ReplicaState::Ready) == [1, 2]).await;
    fleet.bring_to(1, 4).await.unwrap();
    assert_eq!(ids(&fleet, ReplicaState::Booting), [3, 4]);
    fleet.bring_to(2, 3).await.unwrap();
    assert_eq!(fleet.replicas().iter().map(|replica| replica.id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn an_order_acts_once_however_often_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let fleet = open(dir.path()).await;
    for _ in 0..3 {
        fleet.bring_to(7, 4).await.unwrap();
    }
    // Late, and overtaken by order 7.
    fleet.bring_to(6, 9).await.unwrap();
    assert_eq!(fleet.replicas().len(), 4);
    assert_eq!(fleet.ledger(), BTreeMap::from([(7, 1)]));
    let other = fleet.bring_to(7, 5).await.unwrap_err();
    assert_eq!(other.to_string(), "order 7 was applied with target 4, and now asks for 5");
    assert_eq!(fleet.replicas().len(), 4);
}

#[tokio::test]
async fn a_restart_neither_repeats_nor_forgets() {
    let dir = tempfile::tempdir().unwrap();
    {
        let fleet = open(dir.path()).await;
        fleet.bring_to(1, 3).await.unwrap();
        fleet.bring_to(2, 5).await.unwrap();
        // Dropped without a word, as by kill -9: only the file is left.
    }
    let fleet = open(dir.path()).await;
    assert_eq!(fleet.restored(), Some(5));
    let boots = |replica: &Replica| replica.state == ReplicaState::Booting || replica.ready_ms.is_some_and(|ready_ms| ready_ms >= 30_000);
    assert!(fleet.replicas().len() == 5 && fleet.replicas().iter().all(boots), "they boot like any other: {:?}", fleet.replicas());
    assert!(fleet.replicas().iter().all(|replica| replica.id > 5), "ids aren't used again");
    // The loop doesn't know that its order was carried out, and asks again.
    fleet.bring_to(2, 5).await.unwrap();
    ready(&fleet, 5).await;
    assert_eq!(fleet.ledger(), BTreeMap::from([(1, 1), (2, 1)]));
}

#[tokio::test]
async fn a_replica_that_dies_is_replaced_under_a_new_id() {
    let dir = tempfile::tempdir().unwrap();
    let fleet = open(dir.path()).await;
    ready(&fleet, 2).await;
    assert!(fleet.kill(1));
    assert!(!fleet.kill(99));
    until("a new one", || ids(&fleet, ReplicaState::Ready) == [2, 3]).await;
    assert_eq!(fleet.ledger(), BTreeMap::new(), "healing isn't an order");
}

#[tokio::test]
async fn draining_waits_for_requests_that_are_inside() {
    let dir = tempfile::tempdir().unwrap();
    let mut slow = config(dir.path());
    slow.backend.service_time = ServiceTime::Fixed { mean_ms: 300.0 };
    slow.drain_deadline = Duration::from_secs(3_600 * 24);
    let fleet = LocalFleet::open(slow, Clock::start(0, SPEED)).await.unwrap();
    ready(&fleet, 2).await;
    let mut client = TcpStream::connect(&fleet.replicas()[1].address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    until("inside", || fleet.in_flight() == 1).await;
    fleet.bring_to(1, 1).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    ready(&fleet, 1).await;
}

#[tokio::test]
async fn a_record_that_cant_be_trusted_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let check = async |text: &str, words: &str| {
        std::fs::write(dir.path().join(FLEET_FILE), text).unwrap();
        let error = LocalFleet::open(config(dir.path()), Clock::start(0, SPEED)).await.err().unwrap().to_string();
        assert!(error.contains(words) && error.contains(FLEET_FILE), "{error}");
    };
    check(r#"{"version":2,"something":"new"}"#, "version 2").await;
    check(r#"{"version":1,"order":1"#, "damaged").await;
    check(r#"{"version":1,"order":1,"target":2,"next_id":3,"applied":{},"x":1}"#, "damaged").await;
}

/// Gives a proxy the ready replicas whenever they change, as the control loop does.
async fn follow(fleet: Arc<LocalFleet>, proxy: Arc<proxy::ProxyHandle>) {
    let mut listed = Vec::new();
    for epoch in 1.. {
        loop {
            let ready = fleet.replicas().into_iter().filter(|replica| replica.state == ReplicaState::Ready);
            let now: Vec<_> = ready.map(|replica| proxy::Backend::new(replica.id, replica.address.parse().unwrap(), 100)).collect();
            if now != listed {
                listed = now;
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.apply(&proxy::WeightUpdate { epoch, backends: listed.clone() }).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scaling_under_load_and_a_death_during_the_ramp_lose_no_request() {
    use crate::demo::load::{self, LoadConfig, record::SloLimits};
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::start(0, 60.0);
    let mut roomy = config(dir.path());
    // Half a second of wall time to boot, and to drain, at this speed.
    roomy.backend.concurrency = 64;
    roomy.backend.queue = 10_000;
    let fleet = Arc::new(LocalFleet::open(roomy, clock.clone()).await.unwrap());
    ready(&fleet, 2).await;
    let mut settings = proxy::ProxyConfig::new("127.0.0.1:0".parse().unwrap());
    settings.pool.passive = Some(balancer::PassiveHealth::default());
    let proxy = Arc::new(proxy::start(settings).await.unwrap());
    let following = tokio::spawn(follow(Arc::clone(&fleet), Arc::clone(&proxy)));
    until("weights", || proxy.weights().1.len() == 2).await;

    let steady = LoadConfig {
        target: proxy.data_addr(),
        path: "/".to_owned(),
        rate: Arc::new(|_| 150.0),
        until_ms: None,
        seed: 9,
        in_flight_max: 20_000,
        timeout: Duration::from_secs(20),
        slo: SloLimits { latency_ms: 20_000.0, percentile: 99.0, errors: 0.001 },
    };
    let mut load = load::start(steady, &clock);
    until("traffic", || load.summary().requests > 20).await;
    fleet.bring_to(1, 5).await.unwrap();
    until("the new ones serve", || proxy.weights().1.len() == 5).await;
    assert!(fleet.kill(4));
    until("the dead one is replaced", || ids(&fleet, ReplicaState::Ready) == [1, 2, 3, 5, 6]).await;
    fleet.bring_to(2, 2).await.unwrap();
    ready(&fleet, 2).await;
    let before = load.summary().requests;
    until("traffic on the rest", || load.summary().requests > before + 20).await;
    load.stop();
    load.finished().await;
    following.abort();

    let (summary, counters) = (load.summary(), proxy.counters());
    assert_eq!((summary.errors, summary.violation_minutes), (0, 0), "{summary:?} {counters:?}");
    assert_eq!(counters.offered, summary.requests);
    assert_eq!(fleet.ledger(), BTreeMap::from([(1, 1), (2, 1)]));
}
