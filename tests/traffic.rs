//! What stands in front of the backends of `prescale serve`, as the file says it: hashes, backups, stickiness, limits.

use crate::serve::{backend, config, fronted, listens};
use crate::support::serve::Server;
use crate::support::{exchange, http};

#[test]
fn a_header_chooses_the_backend_and_a_backup_waits_until_nobody_else_is_there() {
    let (first, second, spare) = (backend("first"), backend("second"), backend("spare"));
    let rest = "algorithm = \"ring_hash\"\n[services.proxy.traffic]\nhash_by = \"header:x-user\"\n";
    let with = |backends: String| fronted("127.0.0.1:0", &[], rest).replace("backends = []", &backends);
    let folder = tempfile::tempdir().unwrap();
    let backup = format!("{{ address = \"{spare}\", backup = true }}");
    let file = config(folder.path(), &with(format!("backends = [\"{first}\", \"{second}\", {backup}]")));
    let mut server = Server::start(&file);
    let listen = listens(&server, "shop");
    let asked = |user: &str| http(&listen, "GET", "/", &[("x-user", user)], "").1;
    let mut seen = Vec::new();
    for user in 0..20 {
        let user = format!("user {user}");
        let chosen = asked(&user);
        assert_eq!((asked(&user), asked(&user)), (chosen.clone(), chosen.clone()), "{user}");
        seen.push(chosen);
    }
    assert!(seen.iter().any(|name| name == "first") && seen.iter().any(|name| name == "second"), "{seen:?}");
    assert!(seen.iter().all(|name| name != "spare"), "{seen:?}");
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());

    // Nobody listens on port 1.
    let file = config(folder.path(), &with(format!("backends = [\"127.0.0.1:1\", {backup}]")));
    let mut server = Server::start(&file);
    let listen = listens(&server, "shop");
    assert_eq!(http(&listen, "GET", "/", &[("x-user", "ada")], ""), (200, "spare".to_owned()));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

#[test]
fn a_cookie_keeps_a_session_and_too_many_requests_are_told_when_to_come_back() {
    let rest =
        "algorithm = \"d_choices\"\n[services.proxy.traffic]\nchoices = 2\nsticky_cookie = \"lb\"\nrequests_per_second = 1\nburst = 8\n";
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), &fronted("127.0.0.1:0", &[backend("first"), backend("second")], rest));
    let mut server = Server::start(&file);
    let listen = listens(&server, "shop");
    let (status, head, chosen) = exchange(&listen, "GET", "/", &[], "").unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next()).unwrap_or_else(|| panic!("{head}"));
    assert_eq!(status, 200);
    for _ in 0..6 {
        assert_eq!(http(&listen, "GET", "/", &[("cookie", cookie)], ""), (200, chosen.clone()));
    }
    let refused = (0..100).find_map(|_| exchange(&listen, "GET", "/", &[], "").ok().filter(|(status, ..)| *status == 429));
    let (_, head, _) = refused.expect("a hundred at once are more than nine and one a second");
    assert!(head.lines().any(|line| line == "retry-after: 1"), "{head}");
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}
