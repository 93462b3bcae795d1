//! A server of the query API that answers as it is told, with a clock of its own.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use parking_lot::Mutex;

use super::NOW_MS;
use crate::clock::Clock;

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub range: bool,
    pub query: String,
    pub params: BTreeMap<String, String>,
    pub authorization: Option<String>,
}

impl Asked {
    fn ms(&self, key: &str) -> i64 {
        (self.params[key].parse::<f64>().unwrap() * 1_000.0).round() as i64
    }

    /// First, last and distance of the evaluations of a range query [ms].
    pub fn bounds(&self) -> (i64, i64, i64) {
        (self.ms("start"), self.ms("end"), self.ms("step"))
    }

    /// The times of those evaluations.
    pub fn grid(&self) -> impl Iterator<Item = i64> + use<> {
        let (start, end, step) = self.bounds();
        (start..=end).step_by(step as usize)
    }
}

/// One answer.
pub enum Reply {
    /// 200 with this JSON.
    Json(String),
    /// Another status, type and body.
    Status(u16, &'static str, String),
    /// 302 to there.
    Redirect(String),
    /// Nothing, for as long as anybody waits.
    Never,
    /// Blanks without an end.
    Endless,
}

impl Reply {
    pub fn data(kind: &str, result: &str) -> Self {
        Self::Json(format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#))
    }

    pub fn vector(value: &str) -> Self {
        Self::data("vector", &format!(r#"[{{"metric":{{}},"value":[1800000000,"{value}"]}}]"#))
    }

    pub fn empty() -> Self {
        Self::data("vector", "[]")
    }

    pub fn matrix(points: impl Iterator<Item = (i64, String)>) -> Self {
        let values: Vec<String> = points.map(|(at_ms, value)| format!(r#"[{},"{value}"]"#, at_ms as f64 / 1_000.0)).collect();
        Self::data("matrix", &format!(r#"[{{"metric":{{}},"values":[{}]}}]"#, values.join(",")))
    }

    pub fn refused(said: &str) -> Self {
        Self::Status(422, "application/json", format!(r#"{{"status":"error","errorType":"execution","error":"{said}"}}"#))
    }

    fn response(self) -> Response<Body> {
        let with =
            |status: u16, kind: &str, body: Body| Response::builder().status(status).header("content-type", kind).body(body).unwrap();
        match self {
            Self::Json(text) => with(200, "application/json", text.into()),
            Self::Status(status, kind, text) => with(status, kind, text.into()),
            Self::Redirect(to) => Response::builder().status(302).header("location", to).body(Body::empty()).unwrap(),
            Self::Never => {
                with(200, "application/json", Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>()))
            }
            Self::Endless => with(
                200,
                "application/json",
                Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 65_536]))),
            ),
        }
    }
}

type Script = Box<dyn Fn(&Asked, i64) -> Reply + Send + Sync>;

struct Inside {
    clock: Clock,
    ahead_ms: i64,
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
}

/// The running server; it ends with the test's runtime.
pub struct Fake {
    address: SocketAddr,
    inside: Arc<Inside>,
    /// Ours.
    pub clock: Clock,
}

impl Fake {
    /// Starts one whose clock is right; the script is given a request and the server's time.
    pub async fn start(script: impl Fn(&Asked, i64) -> Reply + Send + Sync + 'static) -> Self {
        Self::ahead(0, script).await
    }

    /// Starts one whose clock is ahead of ours.
    pub async fn ahead(ahead_ms: i64, script: impl Fn(&Asked, i64) -> Reply + Send + Sync + 'static) -> Self {
        let clock = Clock::start(NOW_MS, 1.0);
        let inside = Inside { clock: clock.clone(), ahead_ms, script: Mutex::new(Box::new(script)), asked: Mutex::default() };
        let inside = Arc::new(inside);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(inside.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { address, inside, clock }
    }

    pub fn url(&self) -> String {
        format!("http://{}/prefix/", self.address)
    }

    /// Answers otherwise from now on.
    pub fn now(&self, script: impl Fn(&Asked, i64) -> Reply + Send + Sync + 'static) {
        *self.inside.script.lock() = Box::new(script);
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inside.asked.lock())
    }
}

async fn answer(
    State(inside): State<Arc<Inside>>,
    Query(params): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    uri: Uri,
    _: Request,
) -> Response<Body> {
    let asked = Asked {
        path: uri.path().to_owned(),
        range: uri.path().ends_with("/query_range"),
        query: params.get("query").cloned().unwrap_or_default(),
        params,
        authorization: headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()),
    };
    let theirs_ms = inside.clock.now_ms() + inside.ahead_ms;
    let reply = (inside.script.lock())(&asked, theirs_ms);
    inside.asked.lock().push(asked);
    if matches!(reply, Reply::Never) {
        return pending().await;
    }
    let mut response = reply.response();
    let date = jiff::Timestamp::from_millisecond(theirs_ms).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
    response.headers_mut().insert("date", date.parse().unwrap());
    response
}
