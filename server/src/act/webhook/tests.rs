use super::*;
use parking_lot::Mutex;
use planner::{DecisionId, OrderId, ReplicaState};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
/// Not an answer: nothing comes, and the connection stays.
const SILENCE: &str = "silence";
/// Not an answer: the connection ends.
const HANG_UP: &str = "";

/// A receiver that answers each request with the next of its texts, and remembers what it was sent.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

async fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0_u8; 4096]);
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |value| value.parse().unwrap());
            body.len() >= length
        });
        if whole || count == 0 {
            return text;
        }
    }
}

impl Receiver {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut kept = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let text = request(&mut stream).await;
                log.lock().push(text);
                if answer == SILENCE {
                    kept.push(stream);
                } else {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
            std::future::pending::<()>().await;
        });
        Self { address, seen }
    }

    fn options(&self) -> Options {
        let url = format!("http://{}/scale?token=in-the-query", self.address);
        Options { url, status_url: None, secret: Some(Secret::new(SECRET)), timeout: Duration::from_secs(20), allow_link_local: false }
    }

    fn webhook(&self) -> Webhook {
        Webhook::new(self.options(), Some(Arc::new(Nobody)), None).unwrap()
    }
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

fn order(attempt: u32) -> Order {
    Order { id: OrderId(7), service: "chat".into(), target: 9, from: 4, decision: DecisionId(6), issued_ms: 1_700_000_000_000, attempt }
}

async fn answered(answer: impl Into<String>) -> Result<(), ActError> {
    let receiver = Receiver::start(vec![answer.into()]).await;
    receiver.webhook().scale(&order(1)).await
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    request.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("{name} is missing in {request}"))
}

#[tokio::test]
async fn an_order_is_a_signed_post_with_the_same_id_on_every_attempt() {
    let receiver = Receiver::start(vec!["HTTP/1.1 503 Busy\r\n\r\n".into(), OK.into()]).await;
    let webhook = receiver.webhook();
    assert!(webhook.scale(&order(1)).await.unwrap_err().retry);
    webhook.scale(&order(2)).await.unwrap();
    let seen = receiver.seen.lock().clone();
    for (request, attempt) in seen.iter().zip(1..) {
        assert!(request.starts_with("POST /scale?token=in-the-query HTTP/1.1\r\n"), "{request}");
        assert_eq!(header(request, "webhook-id"), "order-7-1700000000000");
        assert_eq!(header(request, "content-type"), "application/json");
        let body = request.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(
            body,
            format!(
                r#"{{"type":"scale","service":"chat","order":7,"decision":6,"target":9,"from":4,"issued_at":"2023-11-14T22:13:20.000Z","attempt":{attempt}}}"#
            )
        );
        let at: i64 = header(request, "webhook-timestamp").parse().unwrap();
        assert!((Timestamp::now().as_second() - at).abs() < 120, "signed now, not when the order was issued: {at}");
        let signer = Signer::new(&Secret::new(SECRET)).unwrap();
        assert_eq!(header(request, "webhook-signature"), signer.sign("order-7-1700000000000", at, body));
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn the_reason_is_the_sentence_of_the_decision_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&crate::store::Location::Folder(folder.path().to_path_buf())).await.unwrap());
    let decision = serde_json::json!({"decision": {
        "id": 6, "service": "chat", "at_ms": 1, "mode": "automatic", "current": 4, "target": 9, "action": "up", "reason": "forecast_up",
        "sentence": "4 → 9, because a climb comes", "inputs": {"load_rps": null, "load_age_ms": null, "saturated": false, "ready": 4,
        "booting": 0, "forecast_origin_ms": null, "forecast_missing": null, "quantile": null, "window_from_ms": null, "window_to_ms": null,
        "window_max_rps": null, "capacity_rps_per_replica": null, "lead_ms": 1, "lead_source": "default"},
        "candidates": [], "rail": null, "check": null, "expires_ms": null}});
    let row =
        crate::store::JournalRow { at_ms: 1, service: "chat".into(), kind: "decision".into(), reference: 6, entry: decision.to_string() };
    store.commit(&[row], &crate::store::StateChange::default(), 1).await.unwrap();
    let receiver = Receiver::start(vec![OK.into(), OK.into()]).await;
    let webhook = Webhook::new(receiver.options(), Some(Arc::new(Nobody)), Some(store)).unwrap();
    webhook.scale(&order(1)).await.unwrap();
    webhook.scale(&Order { decision: DecisionId(99), ..order(1) }).await.unwrap();
    let seen = receiver.seen.lock().clone();
    assert!(seen[0].ends_with(r#""attempt":1,"reason":"4 → 9, because a climb comes"}"#), "{}", seen[0]);
    assert!(seen[1].ends_with(r#""attempt":1}"#), "another decision's reason is none: {}", seen[1]);
}

#[tokio::test]
async fn answers_acknowledge_refuse_or_may_pass() {
    assert_eq!(answered(OK).await, Ok(()));
    assert_eq!(answered("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"accepted\":true}").await, Ok(()));
    let no = answered("HTTP/1.1 200 OK\r\n\r\n{\"accepted\":false,\"reason\":\"frozen\"}").await.unwrap_err();
    assert!(!no.retry && no.text.ends_with("/scale: answered 200 and did not accept: frozen"), "{no}");
    let gone = answered("HTTP/1.1 410 Gone\r\n\r\nno more").await.unwrap_err();
    assert!(!gone.retry && gone.text.ends_with("/scale: answered 410: no more"), "the query isn't shown: {gone}");
    let busy = answered("HTTP/1.1 429 Slow\r\nretry-after: 7\r\n\r\n").await.unwrap_err();
    assert_eq!((busy.retry, busy.retry_after_ms), (true, Some(7_000)));
    assert!(answered(HANG_UP).await.unwrap_err().retry, "nobody knows whether it acted");
    let broken = answered("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"accepted\"").await.unwrap_err();
    assert!(broken.retry && broken.text.contains("broke off"), "{broken}");
}

#[tokio::test]
async fn redirects_are_refused_and_never_followed() {
    let elsewhere = Receiver::start(vec![OK.into()]).await;
    let moved = answered(format!("HTTP/1.1 307 Moved\r\nlocation: http://{}/\r\n\r\n", elsewhere.address)).await.unwrap_err();
    assert!(!moved.retry && moved.text.contains("redirects are not followed"), "{moved}");
    assert!(elsewhere.seen.lock().is_empty());
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let long = format!("HTTP/1.1 500 Oops\r\n\r\n{}", "x".repeat(answer::ANSWER_MAX + 1));
    let error = answered(long).await.unwrap_err();
    assert!(error.retry && error.text.len() < 300, "{} bytes", error.text.len());
}

#[tokio::test]
async fn a_silent_receiver_is_an_unknown_outcome() {
    let receiver = Receiver::start(vec![SILENCE.into()]).await;
    let options = Options { timeout: Duration::from_millis(150), ..receiver.options() };
    let webhook = Webhook::new(options, Some(Arc::new(Nobody)), None).unwrap();
    let error = webhook.scale(&order(1)).await.unwrap_err();
    assert!(error.retry && error.text.contains("no answer within 150ms; it may have acted"), "{error}");
}

#[tokio::test]
async fn an_echo_of_the_secret_stays_out_of_the_error() {
    let bare = SECRET.trim_start_matches("whsec_");
    // The second one lies across the place where the quote is cut.
    let echo = format!("HTTP/1.1 401 Denied\r\n\r\nbad secret {SECRET} {} {bare}", "x".repeat(130));
    let error = answered(echo).await.unwrap_err();
    assert!(error.text.contains("bad secret whsec_***"), "{error}");
    assert!(!error.text.contains(&bare[..6]), "{error}");
}

#[tokio::test]
async fn the_fleet_is_read_from_the_status_url() {
    let answer = |status: &str, body: &str| format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let fleet = answer("200 OK", r#"{"ready":2,"desired":3}"#);
    let receiver = Receiver::start(vec![fleet, answer("500 Oops", ""), answer("200 OK", "[]"), HANG_UP.into()]).await;
    let options = Options { status_url: Some(format!("http://{}/fleet", receiver.address)), ..receiver.options() };
    let webhook = Webhook::new(options, None, None).unwrap();
    let states: Vec<ReplicaState> = webhook.observe().await.unwrap().iter().map(|replica| replica.state).collect();
    assert_eq!(states, [ReplicaState::Ready, ReplicaState::Ready, ReplicaState::Booting]);
    for words in ["/fleet: answered 500", "not understood", "no answer"] {
        let error = webhook.observe().await.unwrap_err();
        assert!(error.text.contains(words), "{error}");
    }
    assert!(receiver.seen.lock()[0].starts_with("GET /fleet HTTP/1.1"));
}

#[tokio::test]
async fn options_that_cant_work_are_refused() {
    let receiver = Receiver::start(Vec::new()).await;
    let refused = |options: Options, words: &str| {
        let error = Webhook::new(options, None, None).err().unwrap();
        assert!(error.text.contains(words) && !error.retry, "{error}");
    };
    refused(receiver.options(), "status_url");
    refused(Options { url: "http://169.254.169.254/".into(), ..receiver.options() }, "metadata");
    refused(Options { status_url: Some("http://[fe80::1]/".into()), ..receiver.options() }, "status_url");
    refused(Options { timeout: Duration::from_secs(60), ..receiver.options() }, "25 s");
    refused(Options { secret: Some(Secret::new("short")), ..receiver.options() }, "24 to 64");
    assert!(!format!("{:?}", receiver.options()).contains(SECRET));
}

/// A name server that a stranger owns.
struct Hostile;

impl reqwest::dns::Resolve for Hostile {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move { crate::outgoing::judge(name.as_str(), vec![SocketAddr::from(([169, 254, 169, 254], 0))]) })
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_metadata_service_is_refused_for_good() {
    let receiver = Receiver::start(vec![OK.into()]).await;
    let named = |port: u16| Options { url: format!("http://localhost:{port}/"), ..receiver.options() };
    // Names are resolved by ours, and a harmless one passes.
    Sender::new(named(receiver.address.port())).unwrap().deliver("a", "{}".into()).await.unwrap();
    let client = Client::builder().dns_resolver(Hostile).build().unwrap();
    let sender = Sender { client, ..Sender::new(named(80)).unwrap() };
    let error = sender.deliver("a", "{}".into()).await.unwrap_err();
    assert!(!error.retry && error.text.contains("localhost (169.254.169.254) is a link-local or cloud metadata address"), "{error}");
}
