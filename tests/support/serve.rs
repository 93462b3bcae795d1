//! A running `prescale serve`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::{http, prescale, wait_for};

pub struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    pub address: String,
}

impl Server {
    /// Starts it and waits for the API.
    pub fn start(config: &Path) -> Self {
        Self::start_with(config, &[("PRESCALE_LOG", "info")])
    }

    /// The same with these environment variables.
    pub fn start_with(config: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = prescale();
        command.args(["serve", "--config"]).arg(config).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("serve starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("standard error is piped");
        let copy = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                copy.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut server = Self { child, log, address: String::new() };
        server.address = wait_for("the page's address", || {
            assert!(server.child.try_wait().unwrap().is_none(), "serve ended:\n{}", server.log());
            server.log().lines().find_map(|line| Some(line.split_once("page: http://")?.1.split('/').next()?.to_owned()))
        });
        server
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn text(&self, path: &str) -> String {
        http(&self.address, "GET", path, &[], "").1
    }

    pub fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path)).expect("JSON")
    }

    /// A check of `/readyz`: whether it is ok, and its text.
    pub fn check(&self, name: &str) -> Option<(bool, String)> {
        let ready = self.get("/readyz");
        let check = ready["checks"].as_array()?.iter().find(|check| check["name"] == name)?.clone();
        Some((check["ok"].as_bool()?, check["text"].as_str()?.to_owned()))
    }

    pub fn signal(&self, name: &str) {
        // The shell's own kill: not every machine has the program.
        assert!(Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap().success());
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// An orderly end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for the end that a signal has asked for.
    pub fn ended(&mut self) -> ExitStatus {
        wait_for("serve to end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
