use super::*;
use proptest::prelude::*;

fn check(head: &str) -> Result<Framing, Refusal> {
    check_head(head.as_bytes(), 100)
}

#[test]
fn framing_is_read_from_a_plain_head() {
    assert_eq!(check("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Framing::Length(0)));
    assert_eq!(check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:  12 \r\n\r\n"), Ok(Framing::Length(12)));
    assert_eq!(check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"), Ok(Framing::Chunked));
    assert_eq!(check("GET / HTTP/1.0\r\n\r\n"), Ok(Framing::Length(0)));
}

#[test]
fn what_has_two_meanings_is_refused() {
    let cases = [
        ("Content-Length: 1\r\nTransfer-Encoding: chunked", "exclude"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1", "exclude"),
        ("Content-Length: 1\r\nContent-Length: 1", "twice"),
        ("Content-Length: 1, 1", "whole number"),
        ("Content-Length: +1", "whole number"),
        ("Content-Length: 0x1", "whole number"),
        ("Content-Length: 9999999999999999999", "whole number"),
        ("Content-Length:", "whole number"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "twice"),
        ("Transfer-Encoding: gzip, chunked", "only"),
        ("Transfer-Encoding: \x0bchunked", "control"),
        ("Transfer-Encoding : chunked", "token"),
        (" Transfer-Encoding: chunked", "folded"),
        ("X: 1\r\n 2", "folded"),
        ("X: 1\r2", "control"),
        ("no colon", "colon"),
        (": x", "token"),
        ("Host: b", "twice"),
    ];
    for (headers, word) in cases {
        let refused = check(&format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n"));
        assert!(matches!(refused, Err(Refusal::Malformed(why)) if why.contains(word)), "{headers:?}: {refused:?}");
    }
    let missing = check("GET / HTTP/1.1\r\nX: 1\r\n\r\n");
    assert_eq!(missing, Err(Refusal::Malformed("Host is missing")));
    let old = check("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(matches!(old, Err(Refusal::Malformed(_))), "{old:?}");
}

#[test]
fn request_lines_are_exact() {
    for line in [
        "GET  / HTTP/1.1",
        "GET /",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "",
    ] {
        let refused = check(&format!("{line}\r\nHost: a\r\n\r\n"));
        assert!(matches!(refused, Err(Refusal::Malformed(_))), "{line:?}: {refused:?}");
    }
    assert_eq!(check("PRI * HTTP/2.0\r\n\r\n"), Err(Refusal::Version));
    assert_eq!(check("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), Err(Refusal::Version));
}

#[test]
fn a_hundred_and_first_header_is_too_many() {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(100));
    assert_eq!(check(&head), Err(Refusal::HeadTooLarge));
}

#[test]
fn host_and_target_agree() {
    let check = |uri: &str, host: &str| check_target(&uri.parse().unwrap(), Some(host.as_bytes())).is_ok();
    assert!(check("/x", "a.example"));
    assert!(check("/x", "[::1]:8080"));
    assert!(check("http://a.example/x", "A.example"));
    assert!(check("http://a.example:80/x", "a.example"));
    assert!(!check("http://a.example/x", "b.example"));
    assert!(!check("http://a.example:81/x", "a.example"));
    assert!(!check("https://a.example/x", "a.example"));
    assert!(!check("http://u@a.example/x", "a.example"));
    for host in ["", "a b", "a,b", "u@a", "a/b", "a:b", "a:", "a:99999", "a:1:2"] {
        assert!(!check("/x", host), "{host:?}");
    }
    assert_eq!(check_target(&"/x".parse().unwrap(), None), Ok(()));
}

proptest! {
    #[test]
    fn random_heads_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = check_head(&bytes, 100);
    }
}
