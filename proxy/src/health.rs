//! Active health: asks the backends that the balancer names, on connections of their own, and tidies up.

use std::sync::Arc;
use std::time::Duration;

use balancer::Nanos;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::shared::Shared;
use crate::upstream::Upstream;

/// New backends are noticed after this long at the latest.
const LOOK_MAX: Duration = Duration::from_millis(50);
const LOOK_MIN: Duration = Duration::from_millis(2);
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// Runs until it is dropped; its probes end with it.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut probes = JoinSet::new();
    let mut tidied = Instant::now();
    loop {
        for upstream in shared.probes_due() {
            let shared = Arc::clone(&shared);
            probes.spawn(async move {
                let ok = matches!(timeout(shared.probe_time, probe(&shared, &upstream)).await, Ok(Some(())));
                shared.probe_result(upstream.id, ok);
            });
        }
        while probes.try_join_next().is_some() {}
        if tidied.elapsed() >= TIDY_EVERY {
            shared.tidy();
            tidied = Instant::now();
        }
        sleep(wall_until(&shared)).await;
    }
}

fn wall_until(shared: &Shared) -> Duration {
    match shared.next_probe() {
        None => LOOK_MAX,
        Some(due) if due == Nanos::MAX => LOOK_MAX,
        Some(due) => Duration::from_secs_f64((due.since(shared.now()).as_secs_f64() / shared.speed).min(1.0)).clamp(LOOK_MIN, LOOK_MAX),
    }
}

async fn probe(shared: &Shared, upstream: &Upstream) -> Option<()> {
    let stream = timeout(shared.limits.connect_time, TcpStream::connect(upstream.address)).await.ok()?.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(shared.probe_path.as_str())
        .header(header::HOST, upstream.address.to_string())
        .header(header::USER_AGENT, "prescale-probe")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = sender.send_request(request);
    tokio::pin!(connection, answer);
    let response = tokio::select! {
        response = &mut answer => response.ok()?,
        // The connection may end in the same moment as its answer arrives.
        _ = &mut connection => answer.await.ok()?,
    };
    (response.status().is_success() || response.status().is_redirection()).then_some(())
}
