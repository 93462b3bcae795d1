//! What a start needs of this machine, tried before there is one: the data folder, the database, the ports. Nothing of it is kept.
//!
//! **Beside a prescale that runs** a check is what one does before changing its file, and its folder and port are in use then as they should
//! be. It is taken for this configuration's own if it holds the data folder *and* answers at `server.listen`; a folder that is held by anybody
//! else, or a port that is taken by anything else, would keep a start from happening and is told as a fault.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpListener;

use super::check::Finding;
use super::{source, store as place};
use crate::collect::COUNTERS;
use crate::config::Config;
use crate::config::file::Server;
use crate::outgoing;
use crate::store::{self, Location, Measured, Reached};

/// How long a prescale may take to say that it is one.
const ANSWER: Duration = Duration::from_secs(3);
const ANSWER_MAX: usize = 1 << 20;
/// Written and removed again, to see whether there is space for a while.
static TRIAL: [u8; 1 << 20] = [0; 1 << 20];

/// Tries everything.
pub async fn test(config: &Config) -> Vec<Finding> {
    let server = &config.file.server;
    let holder = store::holder(&server.data_dir);
    let ours = holder.is_some() && answers(server.listen).await;
    let mut findings = vec![folder(server, holder.as_deref(), ours)];
    if holder.is_none() || ours {
        database(config, ours, &mut findings).await;
    }
    findings.push(port("page and API".into(), server.listen, "server.listen", ours).await);
    for service in &config.file.services {
        if let Some(proxy) = &service.proxy {
            findings.push(port(format!("proxy of {}", service.name), proxy.listen, "its proxy.listen", ours).await);
        }
    }
    findings
}

/// `/readyz` as far as it tells a prescale from anything else, and everybody is told.
#[derive(Deserialize)]
struct Readiness {
    #[serde(rename = "ready")]
    _ready: bool,
}

/// Whether a prescale answers there.
async fn answers(listen: SocketAddr) -> bool {
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}/readyz", SocketAddr::new(host, listen.port()));
    let Ok(client) = outgoing::client(ANSWER, true, |builder| builder) else { return false };
    let Ok(answer) = client.get(url).send().await else { return false };
    outgoing::body(answer, ANSWER_MAX).await.is_ok_and(|body| serde_json::from_slice::<Readiness>(&body).is_ok())
}

fn folder(server: &Server, holder: Option<&str>, ours: bool) -> Finding {
    let what = "data folder";
    let shown = server.data_dir.display();
    match holder {
        Some(process) if ours => {
            let text = format!("{shown} is in use by the prescale that runs (process {process}, {}), as it should be", server.listen);
            return Finding::new(what, true, text);
        }
        Some(process) => {
            let text = format!(
                "{shown} is in use by another prescale (process {process}), which doesn't answer on {}; stop it, or choose another server.data_dir",
                server.listen
            );
            return Finding::new(what, false, text);
        }
        None => {}
    }
    // What is made at the first start is made in the nearest folder that is there.
    let there = server.data_dir.ancestors().find(|one| one.exists() || one.as_os_str().is_empty());
    let there = there.filter(|one| !one.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = match (trial(there), there == server.data_dir) {
        (Ok(()), true) => return Finding::new(what, true, format!("{shown} can be written")),
        (Ok(()), false) => return Finding::new(what, true, format!("{shown} is made at the first start")),
        (Err(error), _) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) => {
            format!("{shown}: nothing more can be written there ({error}); free some space, or choose another server.data_dir")
        }
        (Err(error), true) => {
            format!("{shown} can't be written ({error}); let the user of prescale write there, or choose another server.data_dir")
        }
        (Err(error), false) => format!(
            "{shown} can't be made, since {} can't be written ({error}); make it for the user of prescale, or choose another server.data_dir",
            there.display()
        ),
    };
    Finding::new(what, false, text)
}

/// A file of our own tells more than permission bits do.
fn trial(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".prescale-check-{}", std::process::id()));
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(&TRIAL).and_then(|()| file.sync_all()));
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

async fn database(config: &Config, ours: bool, findings: &mut Vec<Finding>) {
    let what = "database";
    let location = match place::location(&config.file.server) {
        Ok(location) => location,
        Err(error) => return findings.push(Finding::new(what, false, error.to_string())),
    };
    let mut reached = match Reached::try_new(&location, ours).await {
        Ok(Some(reached)) => reached,
        // The folder was told of.
        Ok(None) => return,
        Err(error) => return findings.push(Finding::new(what, false, format!("{location}: {error}"))),
    };
    let done = if matches!(location, Location::Folder(_)) { "can be written" } else { "lets us in, and can be written" };
    findings.push(Finding::new(what, true, format!("{location} {done}")));
    if let Err(error) = histories(config, &mut reached, findings).await {
        findings.push(Finding::new("history", false, format!("{location}: {error}")));
    }
    reached.close().await;
}

/// What becomes of the histories that are stored.
async fn histories(config: &Config, reached: &mut Reached, findings: &mut Vec<Finding>) -> Result<(), store::StoreError> {
    let step_ms = source::step_ms(config.file.prometheus.as_ref());
    for service in &config.file.services {
        let load = service.load.as_deref().unwrap_or(COUNTERS);
        let Some(aside) = reached.would_set_aside(&service.name, Measured { load, step_ms }).await? else { continue };
        let (was, is) = (aside.step_ms / 1_000, step_ms / 1_000);
        let why = match aside.of_the_same_load {
            true if step_ms % aside.step_ms == 0 => format!("it is stored at a step of {was} s and goes on at {is} s, as means"),
            true => format!("it is stored at a step of {was} s, which can't be cut into steps of {is} s"),
            false => "it was made by another load query".to_owned(),
        };
        let text = format!(
            "{why}: what is stored is set aside (not deleted) when this file is taken over, and the rest is filled in from the source as far as that \
             remembers; put the query and prometheus.step back, and the stored history comes back"
        );
        findings.push(Finding::new(format!("history of {}", service.name), true, text));
    }
    Ok(())
}

async fn port(what: String, listen: SocketAddr, key: &str, ours: bool) -> Finding {
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::new(what, true, format!("{listen} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && ours => {
            Finding::new(what, true, format!("{listen} is in use while the prescale of this configuration runs, as it should be"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Finding::new(what, false, format!("{listen} is in use by another program; stop what listens there, or choose another {key}"))
        }
        Err(error) => {
            let text =
                format!("{listen} can't be listened on ({error}); choose an address of this machine and a port from 1024 on as {key}");
            Finding::new(what, false, text)
        }
    }
}
