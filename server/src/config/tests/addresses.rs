//! Where requests may go, and what they bring along.

use super::{Config, OBSERVED, parse};

#[test]
fn addresses_that_requests_must_not_go_to_are_refused_with_their_line() {
    let act =
        |more: &str| format!("{OBSERVED}act = {{ kind = \"webhook\", secret_file = \"key\", status_url = \"http://u:p@h/\", {more} }}\n");
    let prometheus = |url: &str| OBSERVED.replace("http://127.0.0.1:9090", url);
    for (text, words) in [
        (prometheus("http://169.254.169.254"), &["prometheus.url", "169.254.169.254", "allow_link_local = true"][..]),
        (prometheus("http://metadata.google.internal"), &["prometheus.url", "metadata.google.internal"]),
        (prometheus("file:///etc/passwd"), &["prometheus.url", "http:// or https://"]),
        (prometheus("http://ada:${PATH}@h"), &["prometheus.url", "basic_auth", "bearer_token_file"]),
        (
            act(r#"url = "http://[fd00:ec2::254]/""#),
            &["act.url", "fd00:ec2::254", "act.status_url = an address with a user", "secret_file"],
        ),
    ] {
        let problems = parse(&text).unwrap_err().to_string();
        assert!(words.iter().all(|word| problems.contains(word)), "{words:?} in {problems}");
    }
    let allowed = prometheus("http://169.254.169.254").replace("[[services]]", "allow_link_local = true\n[[services]]");
    assert!(parse(&allowed).unwrap().file.prometheus.unwrap().allow_link_local);
}

#[test]
fn trees_are_read_from_their_file_which_is_watched_and_must_hold_some() {
    let folder = tempfile::tempdir().unwrap();
    let (path, trees) = (folder.path().join("prescale.toml"), folder.path().join("trees.bin"));
    std::fs::write(&path, format!("[server]\ntrees_file = \"trees.bin\"\n{OBSERVED}")).unwrap();
    for bytes in [None, Some(&b"PSB1 of another version"[..])] {
        bytes.into_iter().for_each(|bytes| std::fs::write(&trees, bytes).unwrap());
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(error.contains("server.trees_file = \"trees.bin\" is not allowed: a file that"), "{error}");
    }
    let shipped = predictor::boosted::Models::shipped();
    std::fs::write(&trees, shipped.to_bytes()).unwrap();
    let config = Config::load(&path).unwrap();
    assert_eq!(config.file.server.trees.as_deref(), Some(shipped));
    assert!(config.shown_toml().contains("trees_file = \"trees.bin\"") && !config.is_outdated());
    std::fs::write(&trees, "another").unwrap();
    assert!(config.is_outdated());
}

#[test]
fn a_prometheus_may_want_a_password_and_have_an_authority_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prescale.toml");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let text = |more: &str| OBSERVED.replace("[[services]]", &format!("{more}\n[[services]]"));
    write("password", "canary\n");
    write("ca.pem", "not a certificate");
    write("prescale.toml", &text("ca_file = \"ca.pem\"\nbasic_auth = { username = \"ada\", password_file = \"password\" }"));
    let error = Config::load(&path).unwrap_err().to_string();
    assert!(error.contains("prometheus.ca_file = \"ca.pem\" is not allowed: a file with certificates in PEM"), "{error}");
    write("prescale.toml", &text("basic_auth = { username = \"ada\", password_file = \"password\" }"));
    let config = Config::load(&path).unwrap();
    assert!(!format!("{config:?} {}", config.shown_toml()).contains("canary"));
    write("password", "another canary\n");
    assert!(config.is_outdated());
    for (more, words) in [
        ("basic_auth = { username = \"ada\" }", "basic_auth.password_file is missing"),
        ("basic_auth = { username = \"a:b\", password = \"${PATH}\" }", "basic_auth.username = \"a:b\" is not allowed"),
        ("basic_auth = { username = \"ada\", password = \"hunter2\" }", "basic_auth.password = *** is not allowed"),
        (
            "token = \"${PATH}\"\nbasic_auth = { username = \"ada\", password = \"${PATH}\" }",
            "one of token, bearer_token_file and basic_auth",
        ),
    ] {
        let error = parse(&text(more)).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("hunter2"), "{words:?} in {error}");
    }
}
