//! Backends that do as they are told, clients that say what they like, and waiting with a deadline.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proxy::{Backend as Listed, ProxyConfig, ProxyHandle, WeightUpdate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// No wait in a test is longer; a wait that ends here has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const TOKEN: &str = "a-token-for-the-tests";

/// Waits until something is true.
pub async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[derive(Default)]
pub struct Seen {
    pub connections: AtomicU64,
    pub requests: AtomicU64,
    pub probes: AtomicU64,
    pub paths: Mutex<Vec<String>>,
    /// Requests wait while this is set.
    pub hold: AtomicBool,
    /// Probes fail while this is set.
    pub sick: AtomicBool,
}

/// A backend: answers with its id and what it saw.
pub struct Backend {
    pub id: u32,
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Backend {
    pub async fn start(id: u32) -> Self {
        Self::on(id, TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn on(id: u32, socket: TcpListener) -> Self {
        let address = socket.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(serve(id, socket, Arc::clone(&seen)));
        Self { id, address, seen, task }
    }

    /// Dies: its socket and all its connections are closed.
    pub async fn kill(&self) {
        self.task.abort();
        until("the backend is dead", || self.task.is_finished()).await;
    }

    pub fn requests(&self) -> u64 {
        self.seen.requests.load(SeqCst)
    }

    pub fn paths(&self) -> Vec<String> {
        self.seen.paths.lock().unwrap().clone()
    }

    pub fn listed(&self, weight: u32) -> Listed {
        Listed::new(self.id, self.address, weight)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(id: u32, socket: TcpListener, seen: Arc<Seen>) {
    // Dropped with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = socket.accept().await.unwrap();
        seen.connections.fetch_add(1, SeqCst);
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let service = service_fn(move |request| respond(id, Arc::clone(&seen), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// A body that goes on for ever, or sends nothing after its first bytes.
struct Odd {
    endless: bool,
    begun: bool,
}

impl Body for Odd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.begun && !self.endless {
            return Poll::Pending;
        }
        self.begun = true;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16 * 1024])))))
    }
}

async fn respond(id: u32, seen: Arc<Seen>, request: Request<Incoming>) -> Result<Answer, String> {
    if request.uri().path() == "/healthz" {
        seen.probes.fetch_add(1, SeqCst);
        let status = if seen.sick.load(SeqCst) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed();
        return Ok(Response::builder().status(status).body(body).unwrap());
    }
    seen.requests.fetch_add(1, SeqCst);
    seen.paths.lock().unwrap().push(request.uri().path().to_owned());
    until("released", || !seen.hold.load(SeqCst)).await;
    let (head, incoming) = request.into_parts();
    let path = head.uri.path().to_owned();
    let mut answer = Response::builder().header("x-backend", id.to_string());
    if path == "/break" {
        return Err("told to break off".to_owned());
    }
    if path == "/stall" || path == "/endless" {
        return Ok(answer.body(Odd { endless: path == "/endless", begun: false }.boxed()).unwrap());
    }
    if path == "/echo" {
        // Streams what arrives, as it arrives.
        return Ok(answer.body(incoming.boxed()).unwrap());
    }
    if let Some(status) = path.strip_prefix("/status/") {
        answer = answer.status(status.parse::<u16>().unwrap());
    }
    let body = incoming.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let mut text = format!("{} {}\n", head.method, head.uri);
    let mut headers: Vec<_> = head.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    headers.sort();
    text.extend(headers);
    text.push_str(&format!("body {}\n", body.len()));
    let answer = answer.header("connection", "x-hop").header("x-hop", "1").header("keep-alive", "timeout=9");
    Ok(answer.body(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed()).unwrap())
}

pub fn config() -> ProxyConfig {
    let mut config = ProxyConfig::new("127.0.0.1:0".parse().unwrap());
    config.admin_listen = Some("127.0.0.1:0".parse().unwrap());
    config.admin_token = TOKEN.to_owned();
    config
}

pub async fn proxy_to(config: ProxyConfig, backends: &[Backend]) -> ProxyHandle {
    let proxy = proxy::start(config).await.unwrap();
    let backends = backends.iter().map(|backend| backend.listed(1)).collect();
    proxy.apply(&WeightUpdate { epoch: 1, backends }).unwrap();
    proxy
}

/// A client on one connection that writes bytes and reads answers.
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    }

    pub fn backend(&self) -> u32 {
        self.header("x-backend").unwrap().parse().unwrap()
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads more; false at the end of the stream or on a reset.
    pub async fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("something to read");
        match read {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
        }
    }

    /// Reads until the bytes that wait to be understood hold this text.
    pub async fn until_unread(&mut self, text: &str) {
        while !self.unread.windows(text.len()).any(|window| window == text.as_bytes()) {
            assert!(self.more().await, "the stream ended before {text:?}");
        }
    }

    /// Reads the head of one answer; `None` if the connection ends before.
    pub async fn read_head(&mut self) -> Option<Got> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        Some(Got { status, head, body: String::new() })
    }

    /// Reads one answer; `None` if the connection ends before one is whole.
    pub async fn read(&mut self) -> Option<Got> {
        let mut got = self.read_head().await?;
        if got.header("transfer-encoding").is_some() {
            got.body = self.chunked().await?;
        } else {
            let length: usize = got.header("content-length").map_or(0, |length| length.parse().unwrap());
            got.body = String::from_utf8(self.take(length).await?).unwrap();
        }
        Some(got)
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            if !self.more().await {
                return None;
            }
        }
        Some(self.unread.drain(..length).collect())
    }

    async fn chunked(&mut self) -> Option<String> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                    break self.take(end + 2).await?;
                }
                if !self.more().await {
                    return None;
                }
            };
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            body.extend(self.take(size).await?);
            self.take(2).await?;
            if size == 0 {
                return Some(String::from_utf8(body).unwrap());
            }
        }
    }

    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Option<Got> {
        self.write(request).await;
        self.read().await
    }

    pub async fn get(&mut self, path: &str) -> Option<Got> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await
    }

    /// Whether the proxy closes the connection without another byte.
    pub async fn closed(&mut self) -> bool {
        !self.more().await && self.unread.is_empty()
    }
}

/// One request on a connection of its own.
pub async fn once(address: SocketAddr, request: impl AsRef<[u8]>) -> Option<Got> {
    Client::connect(address).await.ask(request).await
}
