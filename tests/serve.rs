//! `prescale serve` and `prescale check` as a user has them: a file, a real Prometheus, a proxy, signals.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use crate::support::prometheus::{Peer, Samples};
use crate::support::serve::Server;
use crate::support::{DEADLINE, http, run, wait_for};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// The load before and after its daily climb [requests/s].
const LOW: f64 = 100.0;
const HIGH: f64 = 900.0;

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Nine days in which the load is high for eight hours a day, from four minutes after now on; and two replicas, whatever happens.
fn world() -> Samples {
    let minute_ms = now_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
    let climb_ms = minute_ms + 4 * MINUTE_MS;
    let rate = |at_ms: i64| if (at_ms - climb_ms).rem_euclid(DAY_MS) < DAY_MS / 3 { HIGH } else { LOW };
    let quarter = MINUTE_MS / 4;
    let replicas = (-240..120).map(|at| (minute_ms + at * quarter, 2.0));
    Samples::default()
        .counter("requests_total", (minute_ms - 9 * DAY_MS, minute_ms + 30 * MINUTE_MS, quarter), rate)
        .add("replicas_ready", replicas)
}

/// A configuration in a folder of its own, with a free port and the data beside it.
pub fn config(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("prescale.toml");
    let data = folder.join("data");
    std::fs::write(&path, format!("[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {:?}\n{text}", data.display().to_string())).unwrap();
    path
}

fn observed(url: &str, max: u32) -> String {
    format!(
        r#"
[prometheus]
url = "{url}"
[[services]]
name = "shop"
load = "sum(rate(requests_total[2m]))"
replicas = "replicas_ready"
mode = "automatic"
slo = {{ latency_ms = 500, percentile = 99 }}
capacity = {{ rps_per_replica = 100 }}
lead_time = "6m"
rails = {{ min = 2, max = {max}, step_up = 20 }}
timing = {{ tick = "1s", read_every = "2s" }}
act = {{ kind = "gauge" }}
"#
    )
}

/// The gauge of the replicas that are wanted.
fn desired(server: &Server) -> Option<f64> {
    let metrics = server.text("/metrics");
    metrics.lines().find_map(|line| line.strip_prefix("prescale_desired_replicas{service=\"shop\"} ")?.parse().ok())
}

#[test]
fn a_climb_that_comes_each_day_is_ordered_before_it_begins_and_the_file_may_change_meanwhile() {
    let mut peer = Peer::prometheus(&world(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), &observed(&peer.url(), 30));
    let (code, out, error) = run(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}\n{error}");
    assert!(out.contains("ok    load of shop: ") && out.contains("ok    replicas of shop: 2"), "{out}");

    let mut server = Server::start(&path);
    // Now it is 100 requests/s for two replicas of 100; in six minutes it will be 900.
    let wanted = wait_for("the climb to be ordered", || desired(&server).filter(|wanted| *wanted >= 9.0));
    assert!(wanted <= 30.0, "{wanted}");
    let decisions = server.get("/api/v1/services/shop/decisions?limit=100");
    let up = decisions["decisions"].as_array().unwrap().iter().find(|decision| decision["action"] == "up").expect("an order").clone();
    assert_eq!(up["reason"], "forecast_up", "{up}");
    assert!(server.check("history of shop").unwrap().0);

    // A changed limit is in force, and journalled with what it was.
    config(folder.path(), &observed(&peer.url(), 25));
    wait_for("the new limit", || (server.get("/api/v1/services/shop")["rails"]["max"] == 25).then_some(()));
    wait_for("the change in the log", || server.log().contains("services.shop.rails.max: 30 → 25").then_some(()));
    let (ok, text) = server.check("configuration").unwrap();
    assert!(ok && text.contains("in force since"), "{text}");

    // A file with one bad value changes nothing, and says so until it is mended.
    config(folder.path(), &observed(&peer.url(), 1));
    let text = wait_for("the refusal", || server.check("configuration").filter(|(ok, _)| !ok).map(|(_, text)| text));
    assert!(text.contains("rails.min = 2 is not allowed: at most rails.max = 1") && text.contains("running with the one of"), "{text}");
    assert_eq!(server.get("/api/v1/services/shop")["rails"]["max"], 25);
    config(folder.path(), &observed(&peer.url(), 25));
    server.signal("HUP");
    wait_for("the mended file", || server.check("configuration").filter(|(ok, _)| *ok));

    // Without its metrics it holds what it has, and says why.
    peer.stop();
    let sentence = wait_for("the loss to be seen", || {
        let last = &server.get("/api/v1/services/shop")["last_decision"];
        (last["reason"] == "fleet_unknown").then(|| last["sentence"].to_string())
    });
    assert!(sentence.contains("can't be observed"), "{sentence}");
    assert_eq!(desired(&server), Some(wanted));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

/// A backend that answers its name to everything.
pub fn backend(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A service `shop` with a proxy.
pub fn fronted(listen: &str, backends: &[SocketAddr], rest: &str) -> String {
    let backends: Vec<String> = backends.iter().map(ToString::to_string).collect();
    format!("[[services]]\nname = \"shop\"\n[services.proxy]\nlisten = \"{listen}\"\nbackends = {backends:?}\n{rest}")
}

#[test]
fn a_proxy_without_any_prometheus_balances_counts_and_takes_new_backends() {
    let (first, second) = (backend("first"), backend("second"));
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), &fronted("127.0.0.1:0", &[first], ""));
    let mut server = Server::start(&path);
    let listen = listens(&server, "shop");
    let ask = || http(&listen, "GET", "/", &[], "").1;
    assert_eq!(ask(), "first");

    // The file names a new backend: the next requests go there, over the same port.
    config(folder.path(), &fronted("127.0.0.1:0", &[second], ""));
    wait_for("the new backend", || (ask() == "second").then_some(()));
    // What a running proxy can't become is refused, and it goes on.
    config(folder.path(), &fronted("127.0.0.1:0", &[second], "algorithm = \"p2c\"\n"));
    let text = wait_for("the refusal", || server.check("configuration").filter(|(ok, _)| !ok).map(|(_, text)| text));
    assert!(text.contains("proxy of shop (but its backends) can only change at the next start"), "{text}");
    assert_eq!(ask(), "second");
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

/// A backend that says when it has a request, and answers it when it is told to.
fn slow_backend() -> (SocketAddr, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ((here, arrived), (go, told)) = (mpsc::channel(), mpsc::channel());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        here.send(()).unwrap();
        told.recv().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").unwrap();
    });
    (address, arrived, go)
}

/// Where the proxy of a service listens.
pub fn listens(server: &Server, service: &str) -> String {
    server.get(&format!("/api/v1/services/{service}"))["proxy"]["listen"].as_str().unwrap().to_owned()
}

#[test]
fn a_request_in_flight_is_answered_before_serve_ends() {
    let (address, arrived, go) = slow_backend();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&config(folder.path(), &fronted("127.0.0.1:0", &[address], "")));
    let listen = listens(&server, "shop");
    let client = thread::spawn({
        let listen = listen.clone();
        move || http(&listen, "GET", "/", &[], "")
    });
    arrived.recv_timeout(DEADLINE).expect("the request reaches the backend");
    server.signal("TERM");
    wait_for("the end to begin", || server.log().contains("ending: ").then_some(()));
    wait_for("the proxy to take no more", || TcpStream::connect(&listen).is_err().then_some(()));
    go.send(()).unwrap();
    let (status, body) = client.join().unwrap();
    assert_eq!((status, body.as_str()), (200, "late"));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

#[test]
fn services_come_and_go_and_those_that_stay_are_not_disturbed() {
    let (first, second) = (backend("first"), backend("second"));
    let service = |name: &str, backend| fronted("127.0.0.1:0", &[backend], "").replace("\"shop\"", &format!("{name:?}"));
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), &service("shop", first));
    let mut server = Server::start(&path);
    let names = || server.get("/api/v1/services")["services"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    let shop = listens(&server, "shop");

    config(folder.path(), &format!("{}{}", service("shop", first), service("cart", second)));
    wait_for("the new service", || (names() == ["cart", "shop"]).then_some(()));
    let cart = listens(&server, "cart");
    assert_eq!((http(&shop, "GET", "/", &[], "").1, http(&cart, "GET", "/", &[], "").1), ("first".into(), "second".into()));

    config(folder.path(), &service("cart", second));
    wait_for("the other to go", || (names() == ["cart"]).then_some(()));
    wait_for("its proxy to end", || TcpStream::connect(&shop).is_err().then_some(()));
    assert_eq!((listens(&server, "cart"), http(&cart, "GET", "/", &[], "").1), (cart.clone(), "second".into()));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

#[test]
#[cfg(unix)]
fn a_config_map_that_kubernetes_turns_over_is_taken_over() {
    use std::os::unix::fs::symlink;
    let (first, second) = (backend("first"), backend("second"));
    let folder = tempfile::tempdir().unwrap();
    // As the kubelet mounts it: the file is a link into `..data`, which is a link to the folder of the version.
    let version = |name: &str, backend| {
        let files = folder.path().join(name);
        std::fs::create_dir(&files).unwrap();
        let data = folder.path().join("data");
        let text = fronted("127.0.0.1:0", &[backend], "");
        std::fs::write(files.join("prescale.toml"), format!("[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {data:?}\n{text}")).unwrap();
        symlink(name, folder.path().join("..data_tmp")).unwrap();
        std::fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).unwrap();
    };
    version("..2026_11_25_03_00_00", first);
    symlink("..data/prescale.toml", folder.path().join("prescale.toml")).unwrap();
    let mut server = Server::start(&folder.path().join("prescale.toml"));
    let listen = listens(&server, "shop");
    let ask = || http(&listen, "GET", "/", &[], "").1;
    assert_eq!(ask(), "first");

    version("..2026_11_25_04_00_00", second);
    wait_for("the new version", || (ask() == "second").then_some(()));
    // The kubelet takes the old one away afterwards.
    std::fs::remove_dir_all(folder.path().join("..2026_11_25_03_00_00")).unwrap();
    assert!(server.check("configuration").unwrap().0);
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

#[test]
fn check_tells_a_bad_file_from_a_bad_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), &observed("http://127.0.0.1:1", 30));
    let (code, out, error) = run(&["check", "--config", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!(code, 1, "{out}\n{error}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["configuration"]["services"][0]["timing"]["stale_after"], "3m");
    let load = report["checks"].as_array().unwrap().iter().find(|check| check["what"] == "load of shop").unwrap();
    assert_eq!(load["ok"], false, "{load}");

    let path = config(folder.path(), &observed("http://127.0.0.1:1", 1));
    let (code, out, error) = run(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    assert!(error.contains("prescale.toml:15: services[0].rails.min = 2 is not allowed: at most rails.max = 1"), "{error}");
    let (code, _, error) = run(&["serve", "--config", path.to_str().unwrap()]);
    assert_eq!(code, 2, "{error}");
    let (code, _, error) = run(&["check", "--config", "/nowhere/prescale.toml"]);
    assert!(code == 2 && error.contains("can't be read"), "{code} {error}");
}
