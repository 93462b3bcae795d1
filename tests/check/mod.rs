//! `prescale check` on bad days: whatever is wrong, it says so and how to mend it, with exit code 1.

mod cluster;
mod metrics;
mod place;
pub mod scripted;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::prescale;

/// A folder with a configuration that listens on a free port.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes the configuration: further lines of `[server]`, and everything after it.
    fn write(&self, server: &str, rest: &str) -> PathBuf {
        let path = self.path().join("prescale.toml");
        let listen = if server.contains("listen") { "" } else { "listen = \"127.0.0.1:0\"\n" };
        let text = format!("[server]\ndata_dir = {:?}\n{listen}{server}\n{rest}", self.data().display().to_string());
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// What a check said.
struct Said {
    code: i32,
    out: String,
    all: String,
}

fn said(output: Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    Said { code: output.status.code().unwrap_or(-1), all: format!("{out}{error}"), out }
}

fn check(config: &Path) -> Said {
    said(command(config).output().unwrap())
}

fn command(config: &Path) -> Command {
    let mut command = prescale();
    command.args(["check", "--config"]).arg(config);
    command
}

impl Said {
    /// One of its faults has all of these words, and the exit code says that there are any.
    #[track_caller]
    fn fails(&self, words: &[&str]) {
        let found = self.out.lines().any(|line| line.starts_with("FAIL ") && words.iter().all(|word| line.contains(word)));
        assert!(found, "no fault with {words:?}:\n{}", self.all);
        assert!(self.code == 1 && self.all.contains("each says how to mend it"), "{}: {}", self.code, self.all);
    }

    /// Nothing is wrong, and one of its findings has all of these words.
    #[track_caller]
    fn is_well(&self, words: &[&str]) {
        assert_eq!(self.code, 0, "{}", self.all);
        let found = self.out.lines().any(|line| line.starts_with("ok ") && words.iter().all(|word| line.contains(word)));
        assert!(found, "no finding with {words:?}:\n{}", self.all);
    }
}
