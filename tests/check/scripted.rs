//! A query API that answers as it is told, in plain HTTP.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// An answer: status, further header lines, body.
pub type Answer = (u16, String, String);

/// What is answered to the queries by their names; of those not named here, a plain number.
#[derive(Default)]
pub struct Script {
    /// The whole answer to an instant query.
    answers: BTreeMap<&'static str, Answer>,
    /// Queries that are never answered.
    silent: Vec<&'static str>,
    /// How old the samples are [s].
    age_s: i64,
    /// Their clock minus ours [s].
    ahead_s: i64,
}

impl Script {
    /// A server on which all is well.
    pub fn well() -> Self {
        Self::default()
    }

    pub fn answer(mut self, query: &'static str, status: u16, head: &str, body: impl Into<String>) -> Self {
        self.answers.insert(query, (status, head.to_owned(), body.into()));
        self
    }

    /// 200 with this result.
    pub fn gives(self, query: &'static str, kind: &str, result: &str) -> Self {
        self.answer(query, 200, "", success(&format!(r#"{{"resultType":"{kind}","result":{result}}}"#)))
    }

    /// One series with this value.
    pub fn value(self, query: &'static str, value: &str) -> Self {
        self.gives(query, "vector", &format!(r#"[{{"metric":{{}},"value":[0,"{value}"]}}]"#))
    }

    pub fn silent(mut self, query: &'static str) -> Self {
        self.silent.push(query);
        self
    }

    pub fn samples_are(mut self, age_s: i64) -> Self {
        self.age_s = age_s;
        self
    }

    pub fn clock_is_ahead(mut self, ahead_s: i64) -> Self {
        self.ahead_s = ahead_s;
        self
    }

    /// Starts it and gives its address. It ends with the tests.
    pub fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(self);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let script = script.clone();
                thread::spawn(move || script.serve(stream));
            }
        });
        url
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let Some(target) = line(&mut reader) else { return };
            let target = target.split(' ').nth(1).unwrap_or_default().to_owned();
            while line(&mut reader).is_some_and(|line| !line.is_empty()) {}
            let Some((status, head, body)) = self.reply(&target) else {
                // Until the other side gives up.
                let _ = line(&mut reader);
                return;
            };
            let date = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(self.ahead_s);
            let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} Scripted\r\nDate: {date}\r\n{head}Content-Length: {length}\r\n\r\n{body}");
            if (&stream).write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// `None` = never.
    fn reply(&self, target: &str) -> Option<Answer> {
        let query = target.split_once("query=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or_default());
        if self.silent.contains(&query) {
            return None;
        }
        let range = target.contains("/query_range");
        if let Some(answer) = self.answers.get(query).filter(|_| !range) {
            return Some(answer.clone());
        }
        let now_s = jiff::Timestamp::now().as_second() + self.ahead_s;
        let vector = |value: String| success(&format!(r#"{{"resultType":"vector","result":[{{"metric":{{}},"value":[0,"{value}"]}}]}}"#));
        let body = match query {
            _ if target.contains("/metadata") => success("{}"),
            _ if target.contains("/buildinfo") => success(r#"{"version":"2.42.0"}"#),
            _ if range => success(r#"{"resultType":"matrix","result":[]}"#),
            "now%28%29" => return Some((422, String::new(), r#"{"status":"error","error":"unknown function"}"#.into())),
            _ if query.contains("timestamp") => vector((now_s - self.age_s).to_string()),
            "errors_now" => vector("0.01".into()),
            _ => vector("7".into()),
        };
        Some((200, String::new(), body))
    }
}

fn success(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data}}}"#)
}

/// The next line without its end; `None` when there is none.
fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = reader.read_line(&mut line).ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}
