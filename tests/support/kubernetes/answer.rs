//! What the scripted server answers: recorded, changed in places, or not at all.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::watch::Watch;

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) end: End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Send,
    Withhold,
    HangUp,
    /// The beginning of a body whose end never comes.
    Stall,
    /// Whatever happens in a collection from then on.
    Watch(Watch),
}

impl Answer {
    /// A recorded answer, by the beginning of its file's name: `"03"` or `"03-scale-get"`.
    pub fn recorded(name: &str) -> Self {
        let file = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let file = file.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name));
        let text = std::fs::read_to_string(file.unwrap_or_else(|| panic!("no recorded answer begins with {name:?}"))).unwrap();
        let (_, answer) = text.split_once("\n< ").expect("a line `< STATUS REASON`");
        let (status, rest) = answer.split_once(' ').expect("a status");
        let (_, body) = rest.split_once("\n<\n").expect("an empty line before the body");
        Self::json(status.parse().unwrap(), body)
    }

    pub fn json(status: u16, body: impl ToString) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string(), end: End::Send }
    }

    /// What the API server says when it doesn't do something.
    pub fn status(code: u16, message: &str) -> Self {
        Self::json(code, serde_json::json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code }))
    }

    /// Never answers; whoever asks waits until it gives up or is ended.
    pub fn withheld() -> Self {
        Self { end: End::Withhold, ..Self::json(200, "") }
    }

    /// Closes the connection instead of answering.
    pub fn hang_up() -> Self {
        Self { end: End::HangUp, ..Self::json(200, "") }
    }

    /// A watch that says this, and nothing more, for as long as the other side waits.
    pub fn stalls_after(events: &[Value]) -> Self {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        Self { end: End::Stall, ..Self::json(200, lines) }
    }

    pub(super) fn watch(watch: Watch) -> Self {
        Self { end: End::Watch(watch), ..Self::json(200, "") }
    }

    /// The same with another value at a JSON pointer; missing objects on the way are made.
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut body = self.value();
        let mut at = &mut body;
        for key in pointer.split('/').skip(1) {
            let key = key.replace("~1", "/").replace("~0", "~");
            at = match (at, key.parse::<usize>()) {
                (Value::Array(items), Ok(index)) => &mut items[index],
                (object, _) => &mut object[key],
            };
        }
        *at = value.into();
        self.body = body.to_string();
        self
    }

    /// The body, to build others from.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kubernetes")
}
