//! A real PostgreSQL of one's own: in a temporary folder, on a socket in it, gone when it goes out of scope.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starting takes a second or two, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
const USER: &str = "prescale";
/// Nothing that anybody sees may have it.
pub const PASSWORD: &str = "canary-pa55";

/// A PostgreSQL server.
pub struct Postgres {
    folder: tempfile::TempDir,
    server: Option<Child>,
    fsync: &'static str,
}

impl Postgres {
    /// Makes a new cluster and starts it. What is written must survive a killed server, not a power cut.
    pub fn start() -> Self {
        Self::with_fsync("off")
    }

    /// One that waits for the disk, as a real one does: for measuring.
    pub fn start_durable() -> Self {
        Self::with_fsync("on")
    }

    fn with_fsync(fsync: &'static str) -> Self {
        let folder = tempfile::Builder::new().prefix("pg").tempdir().expect("a temporary folder");
        if is_root() {
            // PostgreSQL refuses to run as root.
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status().expect("chown runs");
            assert!(owned.success(), "there is no user postgres: run scripts/peers");
        }
        let data = folder.path().join("data");
        let made = command("initdb")
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", USER, "--pgdata"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = Self { folder, server: None, fsync };
        postgres.run();
        postgres
    }

    /// Starts the server again after [`Postgres::kill`].
    pub fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).expect("a log file");
        let mut child = command("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-k")
            .arg(self.folder.path())
            // No port that another test could have taken.
            .args(["-c", "listen_addresses=", "-c", &format!("fsync={}", self.fsync)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres runs");
        let started = Instant::now();
        while !self.answers() {
            let ended = child.try_wait().expect("its state is known");
            assert!(ended.is_none() && started.elapsed() < DEADLINE, "postgres doesn't start: {ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(child);
    }

    /// Ends the server at once, with all sessions and their transactions, as a crash would.
    pub fn kill(&mut self) {
        let Some(mut child) = self.server.take() else { return };
        let id = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).expect("the server's id");
        let id = id.lines().next().expect("the server's id");
        // SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, no farewell; after kill -9 its children could outlive it for a while.
        let sent = Command::new("sh").args(["-c", &format!("kill -QUIT {id}")]).status().expect("kill runs");
        assert!(sent.success(), "{id} can't be killed");
        child.wait().expect("it ends");
    }

    /// The URL of a database of this server, which is made if it isn't there.
    pub fn database(&self, name: &str) -> String {
        let made = self.sql("postgres", &format!("CREATE DATABASE {name}"));
        assert!(made.status.success() || String::from_utf8_lossy(&made.stderr).contains("already exists"), "{made:?}");
        format!("postgres://{USER}:{PASSWORD}@localhost/{name}?host={}&sslmode=disable", self.folder.path().display())
    }

    /// What `psql` prints for a statement, without decoration.
    pub fn query(&self, database: &str, sql: &str) -> String {
        let answer = self.sql(database, sql);
        assert!(answer.status.success(), "{sql}: {}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    /// The folder of the server's socket.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    fn sql(&self, database: &str, sql: &str) -> std::process::Output {
        let mut psql = Command::new(program("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-U", USER, "-d", database, "-c", sql, "-h"]).arg(self.folder.path());
        psql.output().expect("psql runs")
    }

    fn answers(&self) -> bool {
        self.sql("postgres", "SELECT 1").status.success()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

/// A program of PostgreSQL. Debian keeps the server's out of the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file()).collect();
    found.sort();
    let in_path = std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let in_path = in_path.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.pop().or(in_path).unwrap_or_else(|| panic!("{name} of PostgreSQL is missing: run scripts/peers"))
}

/// A command that runs as somebody whom PostgreSQL accepts.
fn command(name: &str) -> Command {
    let program = program(name);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}
