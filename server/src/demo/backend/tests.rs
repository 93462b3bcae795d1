use super::*;
use http_body_util::{BodyExt, Empty};
use std::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);

fn config() -> BackendConfig {
    BackendConfig { concurrency: 2, queue: 1, service_time: ServiceTime::Fixed { mean_ms: 5.0 }, boot: Duration::ZERO, seed: 7 }
}

async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with this call, however that ends.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(path).header(header::HOST, "test").body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    Ok(status)
}

#[tokio::test]
async fn a_booting_backend_refuses_and_a_ready_one_serves() {
    // A domain minute of boot at speed 600 is a tenth of a second.
    let clock = Clock::start(0, 600.0);
    let backend = LocalBackend::start(1, BackendConfig { boot: Duration::from_secs(60), ..config() }, clock).unwrap();
    let refused = TcpStream::connect(backend.address()).await;
    if !backend.is_ready() {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
    until("ready", || backend.is_ready()).await;
    assert_eq!(get(backend.address(), "/").await.unwrap(), 200);
    assert_eq!(get(backend.address(), "/healthz").await.unwrap(), 200);
    assert_eq!(backend.counts(), BackendCounts { served: 1, rejected: 0, in_flight: 0 });
}

#[tokio::test]
async fn beyond_service_and_queue_it_says_503_at_once() {
    let slow = BackendConfig { service_time: ServiceTime::Fixed { mean_ms: 60_000.0 }, ..config() };
    let backend = LocalBackend::start(1, slow, Clock::start(0, 1.0)).unwrap();
    until("ready", || backend.is_ready()).await;
    let address = backend.address();
    let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(async move { get(address, "/").await.is_ok() })).collect();
    until("full", || backend.counts().in_flight == 3).await;
    assert_eq!(get(address, "/").await.unwrap(), 503);
    assert_eq!(get(address, "/healthz").await.unwrap(), 200, "health isn't queued");
    assert_eq!(backend.counts().rejected, 1);
    // Clients that disappear make room, whether they were served or waiting.
    for client in waiting {
        client.abort();
    }
    until("empty", || backend.counts().in_flight == 0).await;
}

#[tokio::test]
async fn leaving_finishes_what_is_inside() {
    let slow = BackendConfig { service_time: ServiceTime::Fixed { mean_ms: 100.0 }, ..config() };
    let backend = LocalBackend::start(1, slow, Clock::start(0, 1.0)).unwrap();
    until("ready", || backend.is_ready()).await;
    let address = backend.address();
    let inside = tokio::spawn(async move { get(address, "/").await.unwrap() });
    until("inside", || backend.counts().in_flight == 1).await;
    backend.leave();
    assert_eq!(inside.await.unwrap(), 200);
    until("ended", || backend.has_ended()).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_killed_backend_cuts_its_connections() {
    let slow = BackendConfig { service_time: ServiceTime::Fixed { mean_ms: 60_000.0 }, ..config() };
    let backend = LocalBackend::start(1, slow, Clock::start(0, 1.0)).unwrap();
    until("ready", || backend.is_ready()).await;
    let address = backend.address();
    let inside = tokio::spawn(async move { get(address, "/").await.is_err() });
    until("inside", || backend.counts().in_flight == 1).await;
    backend.kill();
    assert!(inside.await.unwrap(), "the client sees its connection break");
    until("ended", || backend.has_ended()).await;
}

#[test]
fn service_times_have_their_mean_and_spread_and_are_seeded() {
    let moments = |kind: ServiceTime| {
        let mut rng = Pcg64Mcg::seed_from_u64(11);
        let draws: Vec<f64> = (0..40_000).map(|_| kind.draw(&mut rng).as_secs_f64() * 1_000.0).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        (mean, variance / mean / mean)
    };
    for (kind, scv) in [
        (ServiceTime::Fixed { mean_ms: 20.0 }, 0.0),
        (ServiceTime::Exponential { mean_ms: 20.0 }, 1.0),
        (ServiceTime::LogNormal { mean_ms: 20.0, scv: 0.5 }, 0.5),
    ] {
        let (mean, spread) = moments(kind);
        assert!((mean - 20.0).abs() < 0.4 && (spread - scv).abs() < 0.06, "{kind:?}: {mean} {spread}");
        assert_eq!(moments(kind), (mean, spread));
    }
}
