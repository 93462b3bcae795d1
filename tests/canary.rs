//! Canaries in place of secrets: the binary runs at the highest level of logging, is given every reason to talk, and must not say them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::thread;

use serde_json::Value;

use crate::support::serve::Server;
use crate::support::{Demo, exchange, http, prescale, run, run_with, wait_for};

/// 32 letters and digits: a valid token, and valid base64 for a key of 24 bytes.
const CANARY: &str = "CanaryTweetTweet0123456789Canary";
const NOISY: [(&str, &str); 2] = [("PRESCALE_LOG", "trace"), ("PRESCALE_ADMIN_TOKEN", CANARY)];

/// As it is, and as the forms in which a header or URL would show it.
fn traces(text: &str) -> Vec<String> {
    // "Bearer CanaryT…" in base64, at each of the three ways that it can lie in a longer text.
    let encoded = ["Q2FuYXJ5VHdlZXRUd2Vl", "NhbmFyeVR3ZWV0VHdlZX", "DYW5hcnlUd2VldFR3ZWV0"];
    let spelled: String = CANARY.bytes().map(|byte| format!("{byte}, ")).collect();
    let mut known = vec![CANARY[..12].to_owned(), spelled[..30].to_owned()];
    known.extend(encoded.iter().map(|&one| one.to_owned()));
    known.into_iter().filter(|one| text.contains(one.as_str())).collect()
}

#[track_caller]
fn silent(what: &str, text: &str) {
    assert_eq!(traces(text), [] as [String; 0], "{what} has the canary:\n{text}");
}

fn silent_files(folder: &Path) {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        silent(&path.display().to_string(), &String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        count += 1;
    }
    assert!(count > 1, "{} is empty", folder.display());
}

#[test]
fn the_search_finds_a_canary_however_it_is_written() {
    assert_eq!(traces("nothing"), [] as [String; 0]);
    assert_eq!(traces(&format!("Bearer {CANARY}")).len(), 1);
    assert_eq!(traces(&format!("{:?}", CANARY.as_bytes())).len(), 1);
    // base64 of "x", "xx" and nothing before the canary.
    for text in ["Q2FuYXJ5VHdlZXRUd2VldDAx", "eENhbmFyeVR3ZWV0VHdlZXQw", "eHhDYW5hcnlUd2VldFR3ZWV0"] {
        assert_eq!(traces(text).len(), 1, "{text}");
    }
}

#[test]
fn a_demo_that_logs_everything_says_nothing_of_its_token() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let variables = [&NOISY[..], &[("PRESCALE_LOG_FORMAT", format)]].concat();
        let mut demo = Demo::start_with(folder.path(), &["--from", "1998-05-26T06:00:00Z"], &variables);
        wait_for("a measured load", || demo.get("/api/v1/services/worldcup")["load_rps"].as_f64());
        let admin = demo.announced("weights API").expect("the admin port is announced");
        let bearer = |token: &str| format!("Bearer {token}");
        assert_eq!(http(&admin, "GET", "/v1/weights", &[("Authorization", &bearer(CANARY))], "").0, 200, "the token is in use");
        let wrong = bearer(&format!("{CANARY}!"));
        for body in ["", "{\"epoch\":1,\"backends\":[]}"] {
            silent("a refusal", &http(&admin, "PUT", "/v1/weights", &[("Authorization", &wrong)], body).1);
            silent("a refusal", &http(&admin, "PUT", "/v1/weights", &[("Authorization", &bearer(CANARY))], body).1);
        }
        for path in ["/metrics", "/readyz", "/api/v1/services/worldcup/decisions?limit=50", "/api/v1/services/worldcup", "/nowhere"] {
            silent(path, &demo.request_text("GET", path, "").1);
        }
        demo.request("PUT", "/api/v1/services/worldcup/mode", "{\"mode\":\"turbo\"}");
        assert_eq!(demo.interrupt().code(), Some(130));
        let log = demo.log();
        silent("the log", &log);
        if format == "json" {
            each_event_is_an_object(&log);
        }
        silent_files(folder.path());
    }
}

/// Besides what the demo tells its user at the start.
fn each_event_is_an_object(log: &str) {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    assert!(lines.clone().all(|line| line.matches("\"target\":").count() == 1), "a field hides where the event is from: {log}");
    let events: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        assert!(["timestamp", "level", "target", "message"].iter().all(|key| event[key].is_string()), "{event}");
    }
    // Ours at any level; of others at most what they say at info.
    let decided = |event: &Value| event["service"] == "worldcup" && event["decision"].is_u64() && event["level"] == "DEBUG";
    assert!(events.iter().any(decided), "{log}");
    let ours = |event: &&Value| ["server", "proxy", "planner"].iter().any(|one| event["target"].as_str().unwrap().starts_with(one));
    assert!(events.iter().filter(|event| !ours(event)).all(|event| event["level"] != "TRACE" && event["level"] != "DEBUG"), "{log}");
}

/// Answers each request with `answer`, in which REQUEST stands for all that was sent.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/scale?token=in-the-query", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0_u8; 8192];
            let count = stream.read(&mut buffer).unwrap();
            let echo = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let _ = stream.write_all(answer.replace("REQUEST", &echo).as_bytes());
        }
    });
    url
}

fn try_webhook(url: &str, secret: &str) -> Output {
    let variables = [("PRESCALE_WEBHOOK_SECRET", secret), ("PRESCALE_LOG", "trace")];
    prescale().args(["webhook", url]).envs(variables).output().unwrap()
}

#[test]
fn a_webhook_that_fails_in_every_way_says_nothing_of_its_secret() {
    let echo = format!("HTTP/1.1 500 Oops\r\n\r\nthe secret is {CANARY}, and I was sent REQUEST");
    let answers: [&'static str; 6] = [
        Box::leak(echo.into_boxed_str()),
        "HTTP/1.1 401 No\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n{\"accepted\":false}",
        "not HTTP",
        "",
    ];
    let mut urls: Vec<String> = answers.into_iter().map(server).collect();
    urls.push("https://127.0.0.1:1/".to_owned());
    urls.push(format!("http://ada:{CANARY}@127.0.0.1/"));
    urls.push(format!("ftp://127.0.0.1/{CANARY}"));
    for url in &urls {
        for secret in [format!("whsec_{CANARY}"), CANARY.to_owned(), format!("{CANARY}=="), CANARY[..20].to_owned()] {
            let output = try_webhook(url, &secret);
            assert!(!output.status.success(), "{url}");
            let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            silent(url, &text);
            assert!(!text.contains("in-the-query"), "{text}");
        }
    }
}

/// A configuration with a canary for each secret that there is, whose Prometheus and webhook say whatever they were sent.
fn all_secrets(folder: &Path, database: &str) -> String {
    let echo: &'static str = Box::leak(format!("HTTP/1.1 500 Oops\r\n\r\nthe secret is {CANARY}, and I was sent REQUEST").into_boxed_str());
    let address = |url: String| url.split_once("/scale").unwrap().0.to_owned();
    let (prometheus, webhook) = (address(server(echo)), address(server(echo)));
    let data = folder.join("data");
    std::fs::write(folder.join("key"), format!("whsec_{CANARY}\n")).unwrap();
    let text = format!(
        r#"
[server]
listen = "127.0.0.1:0"
data_dir = "{}"
{database}
[prometheus]
url = "{prometheus}"
token = "${{CANARY}}"
[[services]]
name = "shop"
load = "sum(rate(requests_total[2m]))"
replicas = "replicas_ready"
mode = "automatic"
slo = {{ latency_ms = 500, percentile = 99 }}
capacity = {{ rps_per_replica = 100 }}
rails = {{ min = 2, max = 9 }}
timing = {{ tick = "1s", read_every = "1s" }}
act = {{ kind = "webhook", url = "{webhook}/scale", secret_file = "key" }}
"#,
        data.display()
    );
    let path = folder.join("prescale.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn neither_check_nor_serve_says_a_secret_of_its_configuration() {
    // Nobody listens there: whoever connects fails, and has the URL at hand.
    let database = "database = \"postgres://ada:${CANARY}@127.0.0.1:1/shop\"";
    for (database, command) in [(database, "check"), (database, "serve"), ("", "check")] {
        let folder = tempfile::tempdir().unwrap();
        let path = all_secrets(folder.path(), database);
        let output = prescale().args([command, "--config", &path]).envs(NOISY).env("CANARY", CANARY).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{text}");
        silent(&format!("{command} {database}"), &text);
        // Whatever is said of the database, it is said of the right one.
        assert_eq!(text.contains("127.0.0.1:1"), !database.is_empty(), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = all_secrets(folder.path(), "");
    let server = Server::start_with(Path::new(&path), &[("PRESCALE_LOG", "trace"), ("CANARY", CANARY)]);
    wait_for("a reading that failed", || server.text("/readyz").contains("the secret is").then_some(()));
    wait_for("the fleet, which can't be seen", || server.text("/metrics").contains("prescale_actuator_errors_total{").then_some(()));
    for page in ["/readyz", "/metrics", "/api/v1/services", "/api/v1/services/shop", "/api/v1/services/shop/decisions?limit=50"] {
        silent(page, &server.text(page));
    }
    silent("the log", &server.log());
    silent_files(&folder.path().join("data"));
}

/// Passwords and tokens, right ones and wrong ones, are in nothing that is kept or shown, but for the one answer that hands a token out.
#[test]
fn neither_passwords_nor_tokens_are_kept_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prescale.toml");
    let data = folder.path().join("data");
    let service = "[[services]]\nname = \"shop\"\n[services.proxy]\nlisten = \"127.0.0.1:0\"\nbackends = [\"127.0.0.1:1\"]\n";
    let listen = "listen = \"127.0.0.1:0\"\nsign_in = \"always\"";
    std::fs::write(&path, format!("[server]\ndata_dir = {:?}\n{listen}\n{service}", data.display().to_string())).unwrap();
    let file = path.to_str().unwrap();
    let added = run_with(&["user", "add", "ada", "--role", "admin", "--config", file], CANARY);
    assert_eq!(added.0, 0, "{added:?}");
    silent("the command", &format!("{added:?}"));
    let made = run_with(&["token", "create", "--role", "admin", "--name", "ci", "--config", file], "").1;
    let token = made.trim().to_owned();

    let mut server = Server::start_with(&path, &[("PRESCALE_LOG", "trace")]);
    let sign_in = |account: &str, password: &str| {
        let body = serde_json::json!({"account": account, "password": password}).to_string();
        exchange(&server.address, "POST", "/api/v1/session", &[], &body).unwrap()
    };
    let (status, head, body) = sign_in("ada", CANARY);
    assert_eq!(status, 200, "{head}");
    silent("the answer", &body);
    // The wrong one, and the right one in the wrong field.
    for (account, password) in [("ada", &format!("{CANARY}!")), ("eve", &CANARY.to_owned()), (CANARY, &"x".to_owned())] {
        let (status, head, body) = sign_in(account, password);
        assert_eq!(status, 401, "{head}");
        silent("a refusal", &body);
    }
    let session = head.to_ascii_lowercase().contains("set-cookie: prescale=").then(|| head.split("prescale=").nth(1).unwrap()).unwrap();
    let session = session.split(';').next().unwrap().to_owned();
    let csrf = serde_json::from_str::<Value>(&body).unwrap()["csrf"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let mut seen = String::new();
    for page in ["/readyz", "/metrics", "/api/v1/services", "/api/v1/audit", "/api/v1/tokens", "/api/v1/session"] {
        let (status, text) = http(&server.address, "GET", page, &[("Authorization", &bearer)], "");
        // Not everything needs to be ready.
        assert!(![401, 403].contains(&status), "{page}: {text}");
        seen.push_str(&text);
    }
    assert!(seen.contains("sign_in_failed") && seen.contains("signed_in"), "{seen}");
    assert!(server.terminate().success());
    seen.push_str(&server.log());
    for entry in std::fs::read_dir(&data).unwrap() {
        seen.push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    silent("what is shown, logged and kept", &seen);
    for (what, secret) in [("token", &token[9..]), ("session", &session), ("CSRF token", &csrf)] {
        assert!(secret.len() >= 40 && !seen.contains(secret), "the {what} is somewhere");
    }
}

#[test]
fn a_token_that_is_refused_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    let output = prescale()
        .args(["demo", "--no-open", "--listen", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()])
        .env("PRESCALE_ADMIN_TOKEN", format!("{CANARY} with spaces"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("PRESCALE_ADMIN_TOKEN") && stderr.contains("16 or more"), "{stderr}");
    silent("the error", &stderr);
    assert!(!dir.exists(), "bad input leaves no folder behind");
}

#[test]
fn a_level_or_form_of_logs_that_there_isnt_is_refused() {
    for (variable, value, allowed) in [("PRESCALE_LOG", "verbose", "debug"), ("PRESCALE_LOG_FORMAT", "xml", "text, json")] {
        let output = prescale().arg("openapi").env(variable, value).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && stderr.contains(variable) && stderr.contains(value) && stderr.contains(allowed),
            "{stderr}"
        );
    }
    assert_eq!(run(&["openapi"]).0, 0);
}
