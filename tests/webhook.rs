//! The receiver of docs/webhook.md as its reader would run it, and the command that tries it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use planner::{DecisionId, Order, OrderId, Replica};
use server::BoxFuture;
use server::act::webhook::{Options, Webhook};
use server::act::{ActError, Actuator, Observer};
use server::secret::Secret;

use crate::support::{prescale, run, wait_for};
use crate::walls::workspace::read;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The document's Python, running.
struct Receiver {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    url: String,
    _folder: tempfile::TempDir,
}

impl Receiver {
    fn start() -> Self {
        let document = read("docs/webhook.md");
        let program = document.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of Python");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("receiver.py");
        std::fs::write(&file, program).unwrap();
        let mut child = Command::new("python3")
            .arg(&file)
            .arg("0")
            .env("WEBHOOK_SECRET", SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts (apt-get install python3)");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        lines.read_line(&mut url).unwrap();
        Self { child, lines, url: url.trim().to_owned(), _folder: folder }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Blind;

impl Observer for Blind {
    fn observe(&self) -> BoxFuture<'_, Result<Vec<Replica>, ActError>> {
        Box::pin(async { Err(ActError::passing("not asked")) })
    }
}

fn order(id: u64, target: u32, issued_ms: i64, attempt: u32) -> Order {
    Order { id: OrderId(id), service: "chat-api".into(), target, from: 2, decision: DecisionId(id), issued_ms, attempt }
}

#[test]
fn the_documents_receiver_acts_once_on_signed_orders_and_never_on_late_ones() {
    let mut receiver = Receiver::start();
    let options = |secret: &str| Options {
        url: format!("{}/scale", receiver.url),
        status_url: None,
        secret: Some(Secret::new(secret)),
        timeout: Duration::from_secs(20),
        allow_link_local: false,
    };
    let webhook = |secret| Webhook::new(options(secret), Some(Arc::new(Blind)), None).unwrap();
    let seeing = Options { status_url: Some(receiver.url.clone()), ..options(SECRET) };
    let seeing = Webhook::new(seeing, None, None).unwrap();
    let trusted = webhook(SECRET);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let forged = webhook("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").scale(&order(1, 50, 1_000, 1)).await.unwrap_err();
        assert!(forged.text.contains("401") && !forged.retry, "{forged}");
        trusted.scale(&order(1, 5, 1_000, 1)).await.unwrap();
        trusted.scale(&order(1, 5, 1_000, 2)).await.unwrap();
        trusted.scale(&order(2, 7, 2_500, 1)).await.unwrap();
        let late = trusted.scale(&order(1, 5, 1_000, 3)).await.unwrap_err();
        assert!(late.text.contains("409") && late.text.contains("newer") && !late.retry, "{late}");
        assert_eq!(seeing.observe().await.unwrap().len(), 7);
        // A removed data folder begins again at order 1, later in time.
        trusted.scale(&order(1, 3, 9_000, 1)).await.unwrap();
    });
    assert_eq!([receiver.line(), receiver.line(), receiver.line()], ["5", "7", "3"].map(|count| format!("scaling chat-api to {count}")));
}

#[test]
fn a_receiver_can_be_tried_from_the_command_line() {
    let receiver = Receiver::start();
    let url = format!("{}/scale", receiver.url);
    let try_with = |secret: &str| {
        let output = prescale().args(["webhook", &url]).env("PRESCALE_WEBHOOK_SECRET", secret).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(try_with(SECRET), (Some(0), "acknowledged\n".to_owned(), String::new()));
    let (code, _, stderr) = try_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert!(code == Some(1) && stderr.contains("401") && stderr.contains("wrong signature"), "{stderr}");
    let (code, _, stderr) = try_with("too short");
    assert!(code == Some(2) && stderr.contains("24 to 64") && !stderr.contains("too short"), "{stderr}");
    for (url, words) in [("http://169.254.169.254/", "metadata"), ("http://a:b@127.0.0.1/", "user or password"), ("scale", "not a URL")] {
        let (code, stdout, stderr) = run(&["webhook", url]);
        assert!(code == 2 && stdout.is_empty() && stderr.contains(words), "{url}: {stderr}");
    }
    let (code, _, stderr) = run(&["webhook", &url, "--timeout", "1h"]);
    assert!(code == 2 && stderr.contains("25 s"), "{stderr}");
    drop(receiver);
    wait_for("a refused connection", || {
        let (code, _, stderr) = run(&["webhook", &url]);
        (code == 1 && stderr.contains("no answer")).then_some(())
    });
}
