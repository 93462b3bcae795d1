//! Reads the event stream as a program without a library would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::DEADLINE;

/// An open stream.
pub struct Events {
    reader: BufReader<TcpStream>,
    text: String,
    /// Status and head of the answer.
    pub status: u16,
    pub head: String,
    /// The server ended it as it should, with a last empty chunk.
    pub ended: bool,
}

/// One event of it.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

impl Event {
    /// Epoch and number.
    pub fn id(&self) -> (String, u64) {
        let (epoch, seq) = self.id.as_deref().and_then(|id| id.split_once('-')).expect("an id");
        (epoch.to_owned(), seq.parse().unwrap())
    }
}

impl Events {
    pub fn open(address: &str, last: Option<&str>) -> Self {
        let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        Self::with(address, &last)
    }

    /// As a browser with this cookie.
    pub fn open_as(address: &str, cookie: &str) -> Self {
        Self::with(address, &format!("Cookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n"))
    }

    fn with(address: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\n{headers}\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { reader, text: String::new(), status, head: head.to_ascii_lowercase(), ended: false }
    }

    /// The next event; `None` when the stream is over.
    pub fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
                let data = serde_json::from_str(&field("data").expect("data")).unwrap();
                let event = Event { name: field("event").expect("a name"), id: field("id"), data };
                self.text = rest.to_owned();
                return Some(event);
            }
            let more = self.chunk()?;
            self.text.push_str(&more);
        }
    }

    /// The next event that this is true of.
    pub fn find(&mut self, what: &str, is: impl Fn(&Event) -> bool) -> Event {
        let begun = std::time::Instant::now();
        while let Some(event) = self.next() {
            if is(&event) {
                return event;
            }
            assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        }
        panic!("the stream ended before {what}");
    }

    fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        if self.reader.read_line(&mut size).ok()? == 0 {
            return None;
        }
        let mut bytes = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        self.reader.read_exact(&mut bytes).ok()?;
        self.ended = bytes == b"\r\n";
        (!self.ended).then(|| String::from_utf8(bytes[..bytes.len() - 2].to_vec()).unwrap())
    }
}
