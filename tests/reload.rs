//! What changes under a running `prescale serve`: a key that is rotated, and a load query that becomes another one.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use server::store::{Location, SeriesKey, Store};

use crate::check::scripted::Script;
use crate::support::prometheus::{Peer, Samples};
use crate::support::serve::Server;
use crate::support::wait_for;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

fn config(folder: &Path, url: &str, step: &str, load: &str, more: &str) -> PathBuf {
    let path = folder.join("prescale.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {:?}\n[prometheus]\nurl = \"{url}\"\nstep = \"{step}\"\n\
         [[services]]\nname = \"shop\"\nload = \"{load}\"\ntiming = {{ tick = \"1s\", read_every = \"1s\", stale_after = \"10m\" }}\n{more}",
        folder.join("data").display().to_string()
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Remembers head and body of each request, and never acknowledges one.
fn receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/scale", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut text, mut buffer) = (String::new(), [0; 4096]);
            while !text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.ends_with('}')) {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
                    _ => break,
                }
            }
            log.lock().unwrap().push(text);
            let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (url, seen)
}

/// Whether a request is signed with this key, as Standard Webhooks say.
fn is_signed(request: &str, key: &str) -> bool {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    header("webhook-signature") == format!("v1,{}", STANDARD.encode(ring::hmac::sign(&key, signed.as_bytes())))
}

#[test]
fn a_rotated_key_signs_the_next_attempt_without_a_restart() {
    const OLD: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let (url, seen) = receiver();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, format!("whsec_{OLD}\n")).unwrap();
    let more = format!(
        "replicas = \"replicas_now\"\nmode = \"automatic\"\nslo = {{ latency_ms = 500, percentile = 99 }}\ncapacity = {{ rps_per_replica = 100 }}\n\
         rails = {{ min = 2, max = 30, step_up = 20 }}\nact = {{ kind = \"webhook\", url = \"{url}\", secret_file = \"key\" }}\n"
    );
    let prometheus = Script::well().value("load_now", "900").start();
    let server = Server::start(&config(folder.path(), &prometheus, "1m", "load_now", &more));
    let comes_signed_with = |key: &str| {
        wait_for(&format!("an order that is signed with {key}; the log has:\n{}", server.log()), || {
            seen.lock().unwrap().iter().any(|request| is_signed(request, key)).then_some(())
        });
    };
    comes_signed_with(OLD);
    std::fs::write(&key, format!("whsec_{NEW}\n")).unwrap();
    comes_signed_with(NEW);
    assert!(server.log().contains("secrets: *** → another ***") && !server.log().contains(NEW), "{}", server.log());
}

/// Lowest and highest stored value, and how many there are, of a metric of the service.
fn stored(folder: &Path, metric: &str) -> Option<(f64, f64, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Location::Folder(folder.join("data"))).await.unwrap();
        let series = store.read(SeriesKey { service: "shop", metric }, 0, i64::MAX).await.unwrap();
        store.close().await;
        let series = series?;
        // The first windows have only begun to see samples.
        let values: Vec<f64> = (5..series.len()).filter_map(|at| series.value(at)).collect();
        let ends = values.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
        Some((ends.0, ends.1, values.len()))
    })
}

#[test]
fn another_load_query_or_step_begins_a_history_of_its_own_that_is_filled_from_the_source() {
    let minute_ms = jiff::Timestamp::now().as_millisecond().div_euclid(MINUTE_MS) * MINUTE_MS;
    let samples = Samples::default().counter("requests_total", (minute_ms - 2 * DAY_MS, minute_ms + 30 * MINUTE_MS, 15_000), |_| 100.0);
    let peer = Peer::prometheus(&samples, &[]);
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = ("sum(rate(requests_total[2m]))", "2 * sum(rate(requests_total[2m]))");
    let filled = |server: &Server, times: usize| {
        wait_for(&format!("the history to be filled; the log has:\n{}", server.log()), || {
            (server.log().matches("the history is filled").count() >= times).then_some(())
        });
    };
    let near = |value: f64, wanted: f64| (value - wanted).abs() < wanted / 50.0;
    let only = |metric: &str, wanted: f64, count: usize| {
        let (least, most, values) = stored(folder.path(), metric).unwrap_or_else(|| panic!("{metric} is not stored"));
        assert!(near(least, wanted) && near(most, wanted) && values >= count, "{metric}: {values} values from {least} to {most}");
    };
    // Its load is read for the first time after its history was looked at.
    let sees_nobody = |server: &Server| {
        let unreachable = || server.check("load of shop").filter(|(ok, text)| !ok && text.contains("can't be reached"));
        wait_for(&format!("the failure; the log has:\n{}", server.log()), unreachable);
        // The page says why, too.
        let data = &server.get("/api/v1/services/shop")["data"];
        assert!(data["state"] != "fresh" && data["detail"].as_str().is_some_and(|why| why.contains("can't be reached")), "{data}");
    };
    let mut server = Server::start(&config(folder.path(), &peer.url(), "1m", one, ""));
    filled(&server, 1);
    config(folder.path(), &peer.url(), "1m", two, "");
    filled(&server, 2);
    assert!(server.log().contains("the stored history is of another query or step"), "{}", server.log());
    assert_eq!(server.terminate().code(), Some(0));
    only("load", 200.0, 2_800);
    only(&format!("load of 60000 ms of {one}"), 100.0, 2_800);

    // Nobody is there to fill it in again, and nobody has to be: it is the former query, and a coarser step.
    drop(peer);
    let mut server = Server::start(&config(folder.path(), "http://127.0.0.1:1", "1m", one, ""));
    sees_nobody(&server);
    assert_eq!(server.terminate().code(), Some(0));
    only("load", 100.0, 2_800);
    only(&format!("load of 60000 ms of {two}"), 200.0, 2_800);
    let mut server = Server::start(&config(folder.path(), "http://127.0.0.1:1", "5m", one, ""));
    sees_nobody(&server);
    assert_eq!(server.terminate().code(), Some(0));
    only("load", 100.0, 560);
    assert!(stored(folder.path(), "load").unwrap().2 < 600, "means of five minutes");
}
