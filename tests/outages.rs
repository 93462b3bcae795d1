//! The database goes away under a running `prescale serve` that has nothing to write: what everybody is told, how soon, and that it goes on
//! by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{Connection, Executor};

use crate::serve::{backend, fronted};
use crate::support::postgres::{PASSWORD, Postgres};
use crate::support::serve::Server;
use crate::support::{http, wait_for};

/// The page gives up after this time, and must have heard the reason.
const PAGE: Duration = Duration::from_secs(5);
const SERIES: &str = "/api/v1/services/shop/series?metric=load&from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z";
const DECISIONS: &str = "/api/v1/services/shop/decisions";

/// One that reads and decides at its start, and then not again while a test runs: nothing but a look at the database can find it missing.
fn quiet(folder: &Path, database: &str) -> Server {
    let path = folder.join("prescale.toml");
    let timing = "timing = { tick = \"1h\", read_every = \"1h\", stale_after = \"3h\" }\n";
    let service = fronted("127.0.0.1:0", &[backend("it serves")], "").replace("[services.proxy]", &format!("{timing}[services.proxy]"));
    let data = folder.join("data").display().to_string();
    std::fs::write(&path, format!("[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {data:?}\n{database}{service}")).unwrap();
    let server = Server::start_with(&path, &[("PRESCALE_LOG", "info"), ("DATABASE_PASSWORD", PASSWORD)]);
    let decided = || server.get(DECISIONS)["decisions"].as_array().is_some_and(|all| !all.is_empty()).then_some(());
    wait_for("the first decision", decided);
    server
}

/// Head and body of an answer, which must come while a page still waits for it.
fn answer(server: &Server, path: &str) -> (String, Value) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(began.elapsed() < PAGE, "{path} took {:?}", began.elapsed());
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Everybody says that the database is missing, in these words; and what needs none of it goes on.
fn is_said(server: &Server, words: &str) {
    let text = wait_for("the outage to be seen", || server.check("store").filter(|(ok, _)| !ok)).1;
    assert!(text.starts_with("the journal can't be written (") && text.contains(words) && text.contains("capacity holds"), "{text}");
    assert_eq!(http(&server.address, "GET", "/readyz", &[], "").0, 503);
    assert!(server.text("/metrics").contains("\nprescale_store_ok 0\n"));
    let (head, overview) = answer(server, "/api/v1/services");
    assert!(head.starts_with("http/1.1 200") && overview["services"][0]["name"] == "shop", "{overview}");
    assert!(overview["store_error"].as_str().unwrap().contains(words), "{overview}");
    let (head, shop) = answer(server, "/api/v1/services/shop");
    assert!(head.starts_with("http/1.1 200") && shop["last_decision"].is_object(), "{shop}");
    // What can't be journalled doesn't happen, and whoever ordered it hears so.
    let (status, refusal) = http(&server.address, "POST", "/api/v1/pause", &[], "{\"pause\":\"both\"}");
    assert!(status == 503 && refusal.contains(words), "{status} {refusal}");
    let proxy = shop["proxy"]["listen"].as_str().unwrap();
    assert_eq!(http(proxy, "GET", "/", &[], "").1, "it serves");
}

/// It was found again, and nothing is left of the outage.
fn is_over(server: &Server) {
    wait_for("the end of the outage", || server.check("store").filter(|(ok, _)| *ok));
    assert!(server.text("/metrics").contains("\nprescale_store_ok 1\n"));
    assert_eq!(answer(server, "/api/v1/services").1["store_error"], Value::Null);
    assert!(answer(server, SERIES).0.starts_with("http/1.1 200"));
    assert_eq!(http(&server.address, "POST", "/api/v1/pause", &[], "{\"pause\":\"both\"}").0, 200);
    assert_eq!(server.get("/api/v1/services")["paused"], "both");
    let log = server.log();
    assert!(log.contains("the database can't be written") && log.contains("the database can be written again"), "{log}");
}

#[test]
fn a_killed_postgresql_is_said_at_once_and_what_is_known_without_it_is_answered() {
    let mut postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let url = postgres.database("outage").replace(PASSWORD, "${DATABASE_PASSWORD}");
    let mut server = quiet(folder.path(), &format!("database = \"{url}\"\n"));
    postgres.kill();
    is_said(&server, "is it running, and reachable from here?");
    for path in [SERIES, DECISIONS] {
        let (head, problem) = answer(&server, path);
        assert!(head.starts_with("http/1.1 503") && head.contains("\r\nretry-after: 2"), "{head}");
        assert!(head.contains("\r\ncontent-type: application/problem+json"), "{head}");
        assert_eq!(problem["type"], "urn:prescale:problem:unavailable");
        assert!(problem["detail"].as_str().unwrap().contains("is it running"), "{problem}");
        assert!(!problem.to_string().contains(PASSWORD), "{problem}");
    }
    postgres.run();
    is_over(&server);
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    assert!(!server.log().contains(PASSWORD), "{}", server.log());
}

#[test]
fn a_file_that_another_process_locks_or_takes_away_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = quiet(folder.path(), "");
    let file = folder.path().join("data/prescale.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut other = runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        other
    });
    is_said(&server, "another process writes into the file");
    assert!(answer(&server, SERIES).0.starts_with("http/1.1 200"), "reading goes on");
    runtime.block_on(async {
        other.execute("ROLLBACK").await.unwrap();
        other.close().await.unwrap();
    });
    is_over(&server);
    assert_eq!(http(&server.address, "DELETE", "/api/v1/pause", &[], "").0, 200);

    let aside = folder.path().join("aside.db");
    std::fs::rename(&file, &aside).unwrap();
    is_said(&server, "was removed while it is open");
    std::fs::rename(&aside, &file).unwrap();
    is_over(&server);
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}
