//! The event stream of the real binary: it begins with everything, tells what happens, is taken up again, and is no reason not to end.

use std::fs;

use serde_json::json;

use crate::support::Demo;
use crate::support::events::{Event, Events};
use crate::support::serve::Server;

fn changes_load(event: &Event) -> bool {
    event.name == "change" && event.data["services"].as_array().unwrap().iter().any(|service| service["load_rps"].is_number())
}

#[test]
fn events_are_taken_up_where_they_broke_off_and_begin_anew_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--from", "1998-05-26T06:00:00Z"];
    let mut demo = Demo::start(folder.path(), &args, None);
    let mut stream = Events::open(&demo.address, None);
    assert!(stream.status == 200 && stream.head.contains("content-type: text/event-stream"), "{}", stream.head);
    assert!(!stream.head.contains("content-encoding") && stream.head.contains("x-accel-buffering: no"), "{}", stream.head);
    let reset = stream.find("the beginning", |event| event.name != "beat");
    assert_eq!(
        (reset.name.as_str(), &reset.data["services"][0]["name"], &reset.data["speed"]),
        ("reset", &json!("worldcup"), &json!(60.0))
    );
    let load = stream.find("a load", changes_load);
    let service = &load.data["services"][0];
    assert!(service["name"] == "worldcup" && service.get("mode").is_none(), "only what changed: {service}");
    // The sparkline follows when the history was read.
    let drawn = stream.find("a sparkline", |event| event.data["services"][0]["spark"].is_object());
    assert!(drawn.data["services"][0]["spark"]["past"].as_array().unwrap().iter().filter(|value| value.is_number()).count() > 90);
    stream.find("a decision", |event| event.name == "change" && event.data["journalled"] == json!(["worldcup"]));

    // An order of a person is told to all who watch.
    assert_eq!(demo.request("POST", "/api/v1/pause", r#"{"pause":"down"}"#).0, 200);
    let paused = stream.find("the pause", |event| event.data["paused"] == "down");
    drop(stream);
    assert_eq!(demo.request("DELETE", "/api/v1/pause", "").0, 200);
    let mut again = Events::open(&demo.address, paused.id.as_deref());
    let next = again.find("what was missed", |event| event.name != "beat");
    let (epoch, seq) = paused.id();
    assert_eq!((next.name.as_str(), next.id()), ("change", (epoch.clone(), seq + 1)));
    let resumed =
        if next.data.get("paused").is_some() { next } else { again.find("the resumption", |event| event.data.get("paused").is_some()) };
    assert_eq!(resumed.data["paused"], json!(null));

    demo.kill();
    let demo = Demo::start(folder.path(), &args, None);
    let mut stream = Events::open(&demo.address, resumed.id.as_deref());
    let reset = stream.find("the beginning", |event| event.name != "beat");
    assert_eq!(reset.name, "reset");
    assert_ne!(reset.id().0, epoch, "another process, another epoch");
}

#[test]
fn open_streams_are_bounded_and_keep_no_server_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prescale.toml");
    let data = folder.path().join("data").display().to_string();
    let service = "[[services]]\nname = \"shop\"\n[services.proxy]\nlisten = \"127.0.0.1:0\"\nbackends = [\"127.0.0.1:1\"]\n";
    fs::write(&path, format!("[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {data:?}\n{service}")).unwrap();
    let mut server = Server::start(&path);
    let mut streams: Vec<Events> = (0..100).map(|_| Events::open(&server.address, None)).collect();
    assert!(streams.iter().all(|stream| stream.status == 200));
    let refused = Events::open(&server.address, None);
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("application/problem+json") && refused.head.contains("retry-after: 10"), "{}", refused.head);
    // Nothing happens to the service, and still the stream is alive.
    streams[0].find("a sign of life", |event| event.name == "beat" && event.id.is_none() && event.data["now"].is_string());

    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
    for mut stream in streams {
        while stream.next().is_some() {}
        assert!(stream.ended, "a stream was cut off instead of ended");
    }
}
