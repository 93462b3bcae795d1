//! What may happen to a running `prescale serve`: services come and go, its file is turned like a ConfigMap, it is asked to end in the middle
//! of a request, and a program reads its log.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use crate::serve::{backend, config, fronted};
use crate::support::serve::Server;
use crate::support::{http, try_http, wait_for};

fn names(server: &Server) -> Vec<String> {
    let overview = server.get("/api/v1/services");
    overview["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap().to_owned()).collect()
}

/// Where a service's proxy listens.
fn listen(server: &Server, service: &str) -> String {
    server.get(&format!("/api/v1/services/{service}"))["proxy"]["listen"].as_str().unwrap().to_owned()
}

#[test]
fn a_service_is_added_and_another_removed_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let shop = fronted("127.0.0.1:0", &[backend("the shop")], "");
    let cart = fronted("127.0.0.1:0", &[backend("the cart")], "").replace("\"shop\"", "\"cart\"");
    let mut server = Server::start(&config(folder.path(), &shop));
    assert_eq!(names(&server), ["shop"]);
    let first = listen(&server, "shop");
    let ask = |address: &str| http(address, "GET", "/", &[], "").1;

    config(folder.path(), &format!("{shop}{cart}"));
    wait_for("the new service", || (names(&server) == ["cart", "shop"]).then_some(()));
    let second = listen(&server, "cart");
    assert_eq!((ask(&first), ask(&second), listen(&server, "shop")), ("the shop".into(), "the cart".into(), first.clone()));
    let decided = |service: &str| {
        let page = server.get(&format!("/api/v1/services/{service}/decisions"));
        page["decisions"].as_array().filter(|decisions| !decisions.is_empty()).map(|_| ())
    };
    wait_for("the new service's first decision", || decided("cart"));

    config(folder.path(), &cart);
    wait_for("the old service to go", || (names(&server) == ["cart"]).then_some(()));
    wait_for("its proxy to close", || try_http(&first, "GET", "/", &[], "").is_err().then_some(()));
    assert_eq!(http(&server.address, "GET", "/api/v1/services/shop", &[], "").0, 404);
    assert!(!server.text("/metrics").contains("service=\"shop\""));
    assert_eq!(ask(&second), "the cart");
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());

    // What is stored knows the same.
    let mut again = Server::start(&config(folder.path(), &cart));
    assert_eq!(names(&again), ["cart"]);
    assert_eq!(again.terminate().code(), Some(0), "{}", again.log());
}

#[test]
fn the_link_that_kubernetes_turns_when_a_configmap_changes_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let address = [backend("one")];
    let write = |version: &str, max: u32| {
        let inside = folder.path().join(version);
        std::fs::create_dir(&inside).unwrap();
        config(&inside, &fronted("127.0.0.1:0", &address, &format!("[services.rails]\nmin = 1\nmax = {max}\n")));
        // The data isn't part of the map.
        let file = inside.join("prescale.toml");
        let text = std::fs::read_to_string(&file).unwrap().replace(&format!("{version}/data"), "data");
        std::fs::write(file, text).unwrap();
    };
    // As the kubelet does it: a folder a version, a link to the newest one, and links through that for the files.
    write("..2026_03_02_09_00_00.1", 7);
    symlink("..2026_03_02_09_00_00.1", folder.path().join("..data")).unwrap();
    symlink("..data/prescale.toml", folder.path().join("prescale.toml")).unwrap();
    let mut server = Server::start(&folder.path().join("prescale.toml"));
    let max = || server.get("/api/v1/services/shop")["rails"]["max"].as_u64();
    assert_eq!(max(), Some(7));

    write("..2026_03_02_09_05_00.2", 9);
    symlink("..2026_03_02_09_05_00.2", folder.path().join("..data_tmp")).unwrap();
    std::fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).unwrap();
    std::fs::remove_dir_all(folder.path().join("..2026_03_02_09_00_00.1")).unwrap();
    wait_for("the new limit", || (max() == Some(9)).then_some(()));
    let (ok, text) = server.check("configuration").unwrap();
    assert!(ok && text.contains("in force since"), "{text}");
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

/// A backend that says when it got a request, and answers it when it is told to.
fn slow_backend() -> (SocketAddr, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ((got, has_got), (go, may_go)) = (mpsc::channel(), mpsc::channel());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        got.send(()).unwrap();
        may_go.recv().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").unwrap();
    });
    (address, has_got, go)
}

#[test]
fn a_request_in_flight_at_sigterm_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (address, has_got, go) = slow_backend();
    let mut server = Server::start(&config(folder.path(), &fronted("127.0.0.1:0", &[address], "")));
    let proxy = listen(&server, "shop");
    let asking = thread::spawn({
        let proxy = proxy.clone();
        move || http(&proxy, "GET", "/", &[], "")
    });
    has_got.recv_timeout(crate::support::DEADLINE).unwrap();
    server.signal("TERM");
    wait_for("the proxy to take nobody else", || TcpStream::connect(&proxy).is_err().then_some(()));
    assert!(!asking.is_finished());
    go.send(()).unwrap();
    assert_eq!(asking.join().unwrap(), (200, "late".into()));
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("were cut off"), "{}", server.log());
}

#[test]
fn the_log_is_one_json_object_a_line_with_the_documented_fields() {
    let folder = tempfile::tempdir().unwrap();
    let text = fronted("127.0.0.1:0", &[backend("one")], "");
    let path = config(folder.path(), &text);
    let mut server = Server::start_with(&path, &[("PRESCALE_LOG", "debug"), ("PRESCALE_LOG_FORMAT", "json")]);
    wait_for("a decision", || server.log().contains("\"decision\":").then_some(()));
    // An error, with line ends in what is said.
    config(folder.path(), &format!("{text}[services.rails]\nmin = 9\nmax = 1\n"));
    wait_for("the refusal", || server.check("configuration").filter(|(ok, _)| !ok));
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());

    let log = server.log();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for event in &events {
        assert!(event["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{event}");
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&event["level"].as_str().unwrap()), "{event}");
        assert!(event["target"].is_string() && event["message"].is_string(), "{event}");
    }
    let having = |key: &str| events.iter().find(|event| !event[key].is_null()).unwrap_or_else(|| panic!("nobody says {key}: {log}"));
    let decision = having("decision");
    assert!(decision["service"] == "shop" && decision["decision"].is_u64() && decision["reason"].is_string(), "{decision}");
    assert_eq!((&decision["level"], having("why")["level"].as_str()), (&Value::from("DEBUG"), Some("ERROR")));
    assert!(events.iter().any(|event| event["message"].as_str().unwrap().starts_with("page: http://127.0.0.1:")), "{log}");
}
