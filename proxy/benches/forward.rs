//! What a proxied request costs: CPU time per request and requests per second, against the same load without the proxy.
//!
//! Clients, proxy and backends share one process, so CPU is read per thread: each of the three has a runtime with threads of its own
//! name, and Linux says what each thread has used (`/proc/self/task/*/stat`). Answers are 1 KiB on kept connections.
//!
//! `cargo bench -p proxy --bench forward -- [--seconds 5] [--connections 64]`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proxy::{Backend, ProxyConfig, WeightUpdate};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const BACKENDS: u32 = 3;

fn runtime(name: &str) -> Runtime {
    Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build().unwrap()
}

/// CPU seconds of all threads with this name, in user and kernel.
fn cpu_of(name: &str) -> f64 {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
        let Some((head, tail)) = stat.rsplit_once(')') else { continue };
        if head.ends_with(&format!("({name}")) {
            ticks += tail.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum::<u64>();
        }
    }
    // Linux counts in hundredths of a second wherever this runs.
    ticks as f64 / 100.0
}

async fn backend() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let body = Bytes::from(vec![b'x'; 1024]);
                let service = service_fn(move |_| {
                    let body = body.clone();
                    async move { Ok::<_, std::convert::Infallible>(Response::new(Full::new(body))) }
                });
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn client(target: SocketAddr, count: Arc<AtomicU64>, running: Arc<AtomicBool>) {
    let stream = TcpStream::connect(target).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    while running.load(Relaxed) {
        let request = Request::get("/").header("host", "bench").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
        sender.ready().await.unwrap();
        count.fetch_add(1, Relaxed);
    }
}

/// Requests per second, and CPU microseconds per request of (clients, proxy, backends).
fn measure(clients: &Runtime, target: SocketAddr, connections: usize, time: Duration) -> (f64, [f64; 3]) {
    let (count, running) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
    let tasks: Vec<_> = (0..connections).map(|_| clients.spawn(client(target, Arc::clone(&count), Arc::clone(&running)))).collect();
    std::thread::sleep(Duration::from_millis(500));
    let names = ["clients", "proxy", "backends"];
    let (started, before, first) = (Instant::now(), names.map(cpu_of), count.load(Relaxed));
    std::thread::sleep(time);
    let (wall, done) = (started.elapsed().as_secs_f64(), (count.load(Relaxed) - first) as f64);
    let after = names.map(cpu_of);
    running.store(false, Relaxed);
    clients.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    (done / wall, std::array::from_fn(|at| (after[at] - before[at]) / done * 1e6))
}

fn option(name: &str, default: u64) -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name);
    at.and_then(|at| arguments.get(at + 1)).map_or(default, |value| value.parse().expect("a whole number"))
}

fn main() {
    let time = Duration::from_secs(option("--seconds", 5));
    let connections = option("--connections", 64) as usize;
    let (clients, middle, servers) = (runtime("clients"), runtime("proxy"), runtime("backends"));
    let addresses: Vec<SocketAddr> = (0..BACKENDS).map(|_| servers.block_on(backend())).collect();
    let listed = addresses.iter().zip(1..).map(|(&address, id)| Backend::new(id, address, 1)).collect();
    let proxy = middle.block_on(proxy::start(ProxyConfig::new("127.0.0.1:0".parse().unwrap()))).unwrap();
    proxy.apply(&WeightUpdate { epoch: 1, backends: listed }).unwrap();
    println!("{:<10} {:>12} {:>16} {:>16} {:>16}", "", "requests/s", "clients µs/req", "proxy µs/req", "backends µs/req");
    for (name, target) in [("direct", addresses[0]), ("proxied", proxy.data_addr())] {
        let (rate, cpu) = measure(&clients, target, connections, time);
        println!("{name:<10} {rate:>12.0} {:>16.1} {:>16.1} {:>16.1}", cpu[0], cpu[1], cpu[2]);
    }
    let latency = proxy.counters().latency;
    println!("proxied latency ms: p50 {:.2}  p99 {:.2}", latency.quantile_ms(0.5).unwrap(), latency.quantile_ms(0.99).unwrap());
}
