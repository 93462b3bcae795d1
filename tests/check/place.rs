//! The machine itself: the data folder, the database, the ports; and a prescale that runs already.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use server::store::{Location, SeriesKey, Store};
use sqlx::Connection;

use crate::support::postgres::Postgres;
use crate::support::serve::Server;

use super::scripted::Script;
use super::{Said, Site, check, command, said};

/// A service that needs nothing but this machine, with a backend that takes connections.
fn fronted(listen: &str) -> String {
    let backend = Script::well().start().replace("http://", "");
    format!("[[services]]\nname = \"shop\"\n[services.proxy]\nlisten = \"{listen}\"\nbackends = [\"{backend}\"]\n")
}

/// The same on a free port.
fn alone() -> String {
    fronted("127.0.0.1:0")
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn in_a_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A data folder in which a prescale was once.
fn used(site: &Site) -> Store {
    in_a_runtime(async { Store::open(&Location::Folder(site.data())).await.unwrap() })
}

#[test]
fn a_port_that_is_taken_is_a_fault_and_that_of_the_running_prescale_is_not() {
    let site = Site::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = |address: &str| format!("listen = \"{address}\"");
    check(&site.write(&listen(&address), &alone())).fails(&["page and API", &address, "in use by another program", "server.listen"]);
    check(&site.write("", &fronted(&address))).fails(&["proxy of shop", &address, "in use by another program", "proxy.listen"]);

    let own = free_port();
    let served = fronted(&free_port());
    let path = site.write(&listen(&own), &served);
    let mut server = Server::start(&path);
    let beside = check(&path);
    beside.is_well(&["data folder", "in use by the prescale that runs (process ", "as it should be"]);
    beside.is_well(&["page and API", &own]);
    beside.is_well(&["proxy of shop", "in use while the prescale of this configuration runs"]);
    beside.is_well(&["database", "prescale.db can be written"]);
    // Another configuration that would work in the same folder.
    let other = site.write(&listen(&free_port()), &alone());
    check(&other).fails(&["data folder", "in use by another prescale (process ", "stop it, or choose another server.data_dir"]);
    site.write(&listen(&own), &served);
    assert_eq!(server.terminate().code(), Some(0));
    check(&path).is_well(&["page and API", "is free"]);
}

/// Runs the check as somebody who isn't root, with a copy of the program that everybody can reach.
fn as_nobody(site: &Site, config: &Path) -> Said {
    let program = site.path().join("prescale");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_prescale"), &program).unwrap();
    }
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut command = Command::new("runuser");
        command.args(["-u", "nobody", "--"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    said(command.args(["check", "--config"]).arg(config).output().unwrap())
}

#[test]
fn a_folder_that_may_not_be_written_is_a_fault_also_before_it_is_made() {
    let site = Site::new();
    let path = site.write("", &alone());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let readable = |mode| fs::set_permissions(site.data(), fs::Permissions::from_mode(mode)).unwrap();
    as_nobody(&site, &path).fails(&["data folder", "can't be made", "Permission denied", "make it for the user of prescale"]);
    in_a_runtime(used(&site).close());
    readable(0o555);
    as_nobody(&site, &path).fails(&["data folder", "can't be written", "Permission denied", "let the user of prescale write there"]);
    readable(0o755);
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o755)).unwrap();
    check(&path).is_well(&["data folder", "can be written"]);
}

#[test]
fn a_disk_that_is_full_is_a_fault() {
    let site = Site::new();
    let path = site.write("", &alone());
    check(&path).is_well(&["data folder", "is made at the first start"]);
    // What a limit of the file size does to a write is what a full disk does.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" check --config \"$1\"", env!("CARGO_BIN_EXE_prescale")]).arg(&path);
    said(limited.output().unwrap()).fails(&["data folder", "nothing more can be written there", "free some space"]);
    assert_eq!(fs::read_dir(site.path()).unwrap().count(), 1, "what was tried is removed again");
}

#[test]
fn a_database_that_is_locked_broken_or_newer_is_a_fault_and_stays_as_it_is() {
    let site = Site::new();
    let path = site.write("", &alone());
    in_a_runtime(used(&site).close());
    let file = site.data().join("prescale.db");
    let before = fs::read(&file).unwrap();
    check(&path).is_well(&["database", "prescale.db can be written"]);
    assert!(fs::read(&file).unwrap() == before, "a check writes nothing");
    in_a_runtime(async {
        sqlx::any::install_default_drivers();
        let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        check(&path).fails(&["database", "locked", "another process writes into the file; close it"]);
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        let newer =
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'new', 1, x'00', 0)";
        sqlx::query(newer).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    });
    check(&path).fails(&["database", "a newer version of prescale (schema 9999", "use that version, or another data folder"]);
    fs::write(&file, "no database at all, but long enough to be looked at as one").unwrap();
    check(&path).fails(&["database", "not a database"]);
}

#[test]
fn a_postgresql_that_is_gone_or_has_no_such_database_or_is_held_is_a_fault() {
    let mut server = Postgres::start();
    let url = server.database("shop");
    let site = Site::new();
    let path = |url: &str| site.write(&format!("database = {:?}", url.replace("canary-pa55", "${PASSWORD}")), &alone());
    let check = |url: &str| said(command(&path(url)).env("PASSWORD", "canary-pa55").output().unwrap());
    check(&url).is_well(&["database", "lets us in, and can be written"]);
    check(&url.replace("/shop?", "/nowhere?")).fails(&["database", "\"nowhere\" does not exist", "create it first"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let location = Location::Postgres { url: url.clone(), folder: elsewhere.path().into() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let other = runtime.block_on(Store::open(&location)).unwrap();
    check(&url).fails(&["database", "in use by another prescale (session ", "stop it, or choose another database"]);
    runtime.block_on(other.close());
    server.kill();
    check(&url).fails(&["database", "is it running, and reachable from here?"]);
    server.run();
    check(&url).is_well(&["database", "lets us in"]);
}

#[test]
fn a_history_of_another_query_or_step_is_told_before_it_is_set_aside() {
    let url = Script::well().start();
    let site = Site::new();
    let config = |step: &str, load: &str| {
        site.write("", &format!("[prometheus]\nurl = \"{url}\"\nstep = \"{step}\"\n[[services]]\nname = \"shop\"\nload = \"{load}\"\ntiming = {{ stale_after = \"10m\" }}\n"))
    };
    let key = SeriesKey { service: "shop", metric: "load" };
    in_a_runtime(async {
        let store = Store::open(&Location::Folder(site.data())).await.unwrap();
        store.append(key, 60_000, &[(0, 1.0)]).await.unwrap();
        store.measure("shop", server::store::Measured { load: "load_now", step_ms: 60_000 }).await.unwrap();
        store.close().await;
    });
    assert!(!check(&config("1m", "load_now")).all.contains("history of shop"));
    check(&config("1m", "other_load")).is_well(&["history of shop", "made by another load query", "set aside (not deleted)", "comes back"]);
    check(&config("5m", "load_now")).is_well(&["history of shop", "at a step of 60 s and goes on at 300 s, as means"]);
    check(&config("30s", "load_now")).is_well(&["history of shop", "can't be cut into steps of 30 s"]);
}
