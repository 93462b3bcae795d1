//! Starts the real binary and talks to it as a user would.

// The store's own tests use the rest of it.
#[allow(dead_code)]
pub mod postgres;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub mod events;
pub mod kubernetes;
pub mod prometheus;
pub mod serve;

/// Nothing that the tests wait for takes longer than this, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// A command of the binary under test.
pub fn prescale() -> Command {
    Command::new(env!("CARGO_BIN_EXE_prescale"))
}

/// Runs a command to its end: exit code, standard output, standard error.
pub fn run(args: &[&str]) -> (i32, String, String) {
    let output = prescale().args(args).stdin(Stdio::null()).output().expect("the binary under test starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The same with a line on standard input.
pub fn run_with(args: &[&str], line: &str) -> (i32, String, String) {
    let piped = Stdio::piped;
    let mut child = prescale().args(args).stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("the binary under test starts");
    // A command that reads nothing may have ended already.
    let _ = writeln!(child.stdin.take().expect("standard input is piped"), "{line}");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Polls until the condition gives a value.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A running `prescale demo`.
pub struct Demo {
    child: Child,
    log: Arc<Mutex<String>>,
    pub address: String,
}

impl Demo {
    /// Starts it on a free port and waits for the API.
    pub fn start(data_dir: &Path, args: &[&str], failpoint: Option<&str>) -> Self {
        let failpoint = failpoint.map(|point| ("PRESCALE_FAILPOINT", point));
        Self::start_with(data_dir, args, failpoint.as_slice())
    }

    /// The same with variables in its environment.
    pub fn start_with(data_dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = prescale();
        command.args(["demo", "--listen", "127.0.0.1:0", "--no-open", "--data-dir"]).arg(data_dir).args(args);
        command.envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the demo starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("standard error is piped");
        let copy = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = copy.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut demo = Self { child, log, address: String::new() };
        demo.address = wait_for("the page's address", || {
            assert!(demo.child.try_wait().unwrap().is_none(), "the demo ended:\n{}", demo.log());
            demo.announced("page")
        });
        demo
    }

    /// The address that it announced on standard error as `what: http://ADDRESS`.
    pub fn announced(&self, what: &str) -> Option<String> {
        let announced = format!("{what}: http://");
        self.log().lines().find_map(|line| Some(line.strip_prefix(&announced)?.trim().trim_end_matches('/').to_owned()))
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn wait_for_log(&self, text: &str) {
        wait_for(&format!("{text:?} in the log; it has:\n{}", self.log()), || self.log().contains(text).then_some(()));
    }

    /// Status and JSON of a request.
    pub fn request(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.request_text(method, path, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn request_text(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        http(&self.address, method, path, &[], body)
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, value) = self.request("GET", path, "");
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// An orderly end, as by Ctrl-C.
    pub fn interrupt(&mut self) -> ExitStatus {
        // The shell's own kill: not every machine has the program.
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {}", self.child.id())]).status().unwrap().success());
        wait_for("the demo to end after Ctrl-C", || self.child.try_wait().unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of a request to an address on this machine.
pub fn http(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    try_http(address, method, path, headers, body).expect("it accepts")
}

/// The same; an error if nobody listens.
pub fn try_http(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<(u16, String)> {
    exchange(address, method, path, headers, body).map(|(status, _, body)| (status, body))
}

/// Status, head and body.
pub fn exchange(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<(u16, String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    Ok((status, head.to_owned(), body))
}

fn unchunk(body: &str) -> String {
    let (mut rest, mut text) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || size > after.len() {
            break;
        }
        text.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    text
}
