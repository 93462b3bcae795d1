//! Sign-in, tokens and roles through the binary: commands beside a running `prescale serve`, a browser's requests, and what is refused.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::events::Events;
use crate::support::serve::Server;
use crate::support::{exchange, http, run, run_with, wait_for};

pub const PASSWORD: &str = "correct horse battery";

/// A service behind the embedded proxy: it takes no Prometheus.
fn config(folder: &Path, server: &str) -> PathBuf {
    let path = folder.join("prescale.toml");
    let data = folder.join("data");
    let service = "[[services]]\nname = \"shop\"\n[services.proxy]\nlisten = \"127.0.0.1:0\"\nbackends = [\"127.0.0.1:1\"]\n";
    std::fs::write(&path, format!("[server]\ndata_dir = {:?}\n{server}\n{service}", data.display().to_string())).unwrap();
    path
}

/// Runs `prescale WHAT… --config FILE`; it must succeed. Standard output.
fn command(what: &[&str], config: &Path, line: &str) -> String {
    let args = [what, &["--config", config.to_str().unwrap()]].concat();
    let (code, out, error) = run_with(&args, line);
    assert_eq!(code, 0, "{args:?}: {error}");
    out
}

struct Browser<'a> {
    server: &'a Server,
    cookie: String,
    csrf: String,
}

impl<'a> Browser<'a> {
    fn sign_in(server: &'a Server, account: &str, password: &str) -> Result<Self, (u16, String)> {
        let body = json!({"account": account, "password": password}).to_string();
        let (status, head, body) = exchange(&server.address, "POST", "/api/v1/session", &[], &body).unwrap();
        if status != 200 {
            return Err((status, format!("{head}\n{body}")));
        }
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:")).expect("a cookie");
        let cookie = line["set-cookie:".len()..].trim().split(';').next().unwrap().to_owned();
        let csrf = serde_json::from_str::<Value>(&body).unwrap()["csrf"].as_str().unwrap().to_owned();
        Ok(Self { server, cookie, csrf })
    }

    fn request(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let origin = format!("http://{}", self.server.address);
        let headers = [("Cookie", self.cookie.as_str()), ("X-CSRF-Token", self.csrf.as_str()), ("Origin", origin.as_str())];
        let (status, text) = http(&self.server.address, method, path, &headers, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

#[test]
fn an_address_that_others_reach_needs_somebody_who_can_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    for server in ["listen = \"0.0.0.0:0\"", "listen = \"127.0.0.1:0\"\npublic_url = \"https://prescale.example.com\""] {
        let path = config(folder.path(), server);
        let (code, _, error) = run(&["serve", "--config", path.to_str().unwrap()]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("prescale user add") && error.contains("prescale token create") && error.contains("sign_in"), "{error}");
        let (code, out, _) = run(&["check", "--config", path.to_str().unwrap()]);
        assert!(code == 1 && out.contains("FAIL  sign-in: ") && out.contains("prescale user add"), "{out}");
    }
    // With an account it starts, and lets nobody else in; the example address is one of its names.
    let path = config(folder.path(), "listen = \"127.0.0.1:0\"\npublic_url = \"https://prescale.example.com\"");
    command(&["user", "add", "ada", "--role", "admin"], &path, PASSWORD);
    assert!(run(&["check", "--config", path.to_str().unwrap()]).1.contains("ok    sign-in: needed"));
    let server = Server::start(&path);
    assert_eq!(http(&server.address, "GET", "/api/v1/services", &[], "").0, 401);
    let body = json!({"account": "ada", "password": PASSWORD}).to_string();
    let origin = [("Origin", "https://prescale.example.com")];
    let (status, head, _) = exchange(&server.address, "POST", "/api/v1/session", &origin, &body).unwrap();
    assert!(status == 200 && head.contains("__Host-prescale=") && head.contains("; Secure"), "{head}");
}

#[test]
fn the_loopback_address_is_open_and_knows_tokens_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "listen = \"127.0.0.1:0\"");
    let server = Server::start(&path);
    let session = server.get("/api/v1/session");
    assert_eq!((&session["who"], &session["role"], &session["via"]), (&json!("local operator"), &json!("admin"), &json!("loopback")));
    let viewer = command(&["token", "create", "--role", "viewer"], &path, "");
    let bearer = format!("Bearer {}", viewer.trim());
    assert_eq!(http(&server.address, "POST", "/api/v1/pause", &[("Authorization", &bearer)], "{\"pause\":\"both\"}").0, 403);
    assert_eq!(http(&server.address, "POST", "/api/v1/pause", &[], "{\"pause\":\"both\"}").0, 200);
    let audit = server.get("/api/v1/audit?kind=paused");
    let (entry, text) = (&audit["entries"][0], |text: &str| Value::from(text));
    assert_eq!((&entry["who"], &entry["before"], &entry["after"]), (&text("local operator"), &text("not paused"), &text("paused")));
}

#[test]
fn people_and_programs_get_in_do_what_their_role_allows_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "listen = \"127.0.0.1:0\"\nsign_in = \"always\"");
    // Nobody is there yet, and that was said to be right.
    let mut server = Server::start(&path);
    command(&["user", "add", "ada", "--role", "admin"], &path, PASSWORD);
    command(&["user", "add", "vic", "--role", "viewer"], &path, PASSWORD);
    let ada = wait_for("the account to count", || Browser::sign_in(&server, "ada", PASSWORD).ok());
    let vic = Browser::sign_in(&server, "vic", PASSWORD).unwrap_or_else(|refused| panic!("{refused:?}"));

    assert_eq!(vic.request("GET", "/api/v1/services", "").0, 200);
    let (status, problem) = vic.request("PUT", "/api/v1/services/shop/mode", "{\"mode\":\"recommend\"}");
    assert_eq!((status, &problem["role"], &problem["needed"]), (403, &json!("viewer"), &json!("operator")));
    let no_csrf = Browser { csrf: String::new(), cookie: ada.cookie.clone(), ..ada };
    assert_eq!(no_csrf.request("POST", "/api/v1/services/shop/pause", "{\"pause\":\"up\"}").0, 403);
    assert_eq!(ada.request("POST", "/api/v1/services/shop/pause", "{\"pause\":\"up\"}").0, 200);

    // A token, for the commands that ask the API.
    let token = command(&["token", "create", "--role", "operator", "--name", "ci", "--expires", "90d"], &path, "");
    std::fs::write(folder.path().join("token"), &token).unwrap();
    let file = folder.path().join("token").display().to_string();
    let url = format!("http://{}", server.address);
    let resume = |more: &[&str]| run(&[&["resume", "shop", "--server", &url], more].concat());
    let (code, _, error) = resume(&[]);
    assert!(code == 2 && error.contains("token"), "{error}");
    wait_for("the token to count", || (resume(&["--token-file", &file]).0 == 0).then_some(()));
    let bearer = format!("Bearer {}", token.trim());
    let with_token = || http(&server.address, "GET", "/metrics", &[("Authorization", &bearer)], "").0;
    assert_eq!((with_token(), http(&server.address, "GET", "/metrics", &[], "").0), (200, 401));
    assert!(command(&["token", "list"], &path, "").contains("ci"), "and not the token itself");
    assert!(!command(&["token", "list"], &path, "").contains(token.trim()));
    command(&["token", "revoke", "ci"], &path, "");
    wait_for("the revocation", || (with_token() == 401).then_some(()));

    // Another password signs out; who guesses must wait, and the right one as well.
    command(&["user", "password", "vic"], &path, "quite another password");
    wait_for("vic to be signed out", || (vic.request("GET", "/api/v1/services", "").0 == 401).then_some(()));
    let refused = wait_for("the wait", || Browser::sign_in(&server, "vic", PASSWORD).err().filter(|(status, _)| *status == 429));
    assert!(refused.1.to_ascii_lowercase().contains("retry-after: ") && refused.1.contains("too-many-attempts"), "{refused:?}");
    assert_eq!(ada.request("DELETE", "/api/v1/session", "").0, 204);
    assert_eq!(ada.request("GET", "/api/v1/services", "").0, 401);

    // All of it is told, and a restart forgets nothing.
    assert!(server.terminate().success());
    let server = Server::start(&path);
    let ada = Browser::sign_in(&server, "ada", PASSWORD).unwrap_or_else(|refused| panic!("{refused:?}"));
    let (_, audit) = ada.request("GET", "/api/v1/audit?limit=500", "");
    let entries = audit["entries"].as_array().unwrap();
    let told = |kind: &str, who: &str| {
        let one = |entry: &&Value| entry["kind"] == kind && entry["who"].as_str().unwrap().contains(who);
        entries.iter().find(one).unwrap_or_else(|| panic!("no {kind} by {who} in {audit}"))
    };
    for (kind, who) in
        [("account_created", "on the command line"), ("signed_in", "vic"), ("sign_in_failed", "nobody"), ("signed_out", "ada")]
    {
        told(kind, who);
    }
    assert_eq!(told("token_created", "on the command line")["after"], "operator");
    assert_eq!(told("token_revoked", "on the command line")["before"], "operator");
    told("password_changed", "on the command line");
    assert_eq!((&told("paused", "ada")["after"], &told("resumed", "token ci")["before"]), (&json!("paused up"), &json!("paused up")));
    let mut numbers: Vec<u64> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    numbers.dedup();
    assert!(numbers.len() == entries.len() && numbers.is_sorted_by(|left, right| left > right), "{numbers:?}");
}

#[test]
fn whoever_signs_out_is_told_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "listen = \"127.0.0.1:0\"\nsign_in = \"always\"");
    command(&["user", "add", "ada", "--role", "admin"], &path, PASSWORD);
    command(&["user", "add", "vic", "--role", "viewer"], &path, PASSWORD);
    let server = Server::start(&path);
    let sign_in = |name: &str| Browser::sign_in(&server, name, PASSWORD).unwrap_or_else(|refused| panic!("{refused:?}"));
    let (ada, vic) = (sign_in("ada"), sign_in("vic"));
    assert_eq!(Events::open(&server.address, None).status, 401);
    let mut streams = [&ada, &vic].map(|browser| Events::open_as(&server.address, &browser.cookie));
    for stream in &mut streams {
        stream.find("the beginning", |event| event.name == "reset");
    }
    assert_eq!(ada.request("DELETE", "/api/v1/session", "").0, 204);
    let [of_ada, of_vic] = &mut streams;
    while of_ada.next().is_some() {}
    assert!(of_ada.ended, "it was cut off instead of ended");
    of_vic.find("a sign of life: the other's goes on", |event| event.name == "beat");
    // The command line ends it as well.
    command(&["user", "remove", "vic"], &path, "");
    while of_vic.next().is_some() {}
    assert!(of_vic.ended, "it was cut off instead of ended");
}

#[test]
fn a_name_or_password_that_there_cant_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "listen = \"127.0.0.1:0\"");
    let file = path.to_str().unwrap();
    let cases: [(&[&str], &str, &str); 6] = [
        (&["user", "add", "token ci", "--role", "viewer"], PASSWORD, "letters, digits"),
        (&["user", "add", "ada", "--role", "viewer"], "hunter2", "12 or more"),
        (&["user", "password", "ada"], PASSWORD, "there is no account \"ada\"; there is none yet"),
        (&["user", "remove", "ada"], "", "there is no account \"ada\""),
        (&["token", "create", "--role", "viewer", "--name", "a b"], "", "letters, digits"),
        (&["token", "revoke", "ci"], "", "there is no token \"ci\""),
    ];
    for (args, line, expected) in cases {
        let (code, _, error) = run_with(&[args, &["--config", file]].concat(), line);
        assert!(code == 2 && error.contains(expected) && !error.contains("hunter2"), "{args:?}: {code} {error}");
    }
    command(&["user", "add", "ada", "--role", "viewer"], &path, PASSWORD);
    let (code, _, error) = run_with(&["user", "add", "ada", "--role", "viewer", "--config", file], PASSWORD);
    assert!(code == 2 && error.contains("prescale user password ada"), "{error}");
    let listed: Value = serde_json::from_str(&command(&["user", "list", "--format", "json"], &path, "")).unwrap();
    assert_eq!(
        (listed[0]["name"].as_str(), listed[0]["role"].as_str(), listed.as_array().unwrap().len()),
        (Some("ada"), Some("viewer"), 1)
    );
    command(&["user", "remove", "ada"], &path, "");
    assert_eq!(command(&["user", "list", "--format", "json"], &path, ""), "[]\n");
}
