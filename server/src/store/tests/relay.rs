//! Stands between the store and PostgreSQL, and loses the answer to a COMMIT: nobody knows then whether it was written.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

/// What happens to the next COMMIT.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    /// It passes, and its answer too.
    Pass,
    /// It is lost on its way, with the connection.
    Lost,
    /// It arrives, its answer doesn't.
    Unanswered,
}

/// A socket that leads to another one.
pub struct Relay {
    folder: tempfile::TempDir,
    fate: Arc<AtomicU8>,
}

impl Relay {
    pub fn to(server: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fate = Arc::new(AtomicU8::new(Fate::Pass as u8));
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let (target, shared) = (socket(server), fate.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (target, fate) = (target.clone(), shared.clone());
                thread::spawn(move || connect(client, &target, &fate));
            }
        });
        Self { folder, fate }
    }

    /// The folder that a client names as its host.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Decides what happens to the next COMMIT; later ones pass.
    pub fn next(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::SeqCst);
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

fn connect(client: UnixStream, target: &Path, fate: &AtomicU8) {
    // A server that is down refuses the client by ending the connection.
    let Ok(server) = UnixStream::connect(target) else { return };
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let muted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let deaf = muted.clone();
    let backwards = thread::spawn(move || {
        let mut bytes = [0; 8_192];
        while let Ok(count) = answers.read(&mut bytes) {
            if count == 0 || deaf.load(Ordering::SeqCst) || back.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(std::net::Shutdown::Both);
    });
    forwards(client, &server, fate, &muted);
    // The answer of an unanswered COMMIT is waited for, so that it has been written when the client hears of the loss.
    let _ = server.shutdown(std::net::Shutdown::Write);
    let _ = backwards.join();
}

fn forwards(mut client: UnixStream, mut server: &UnixStream, fate: &AtomicU8, muted: &std::sync::atomic::AtomicBool) {
    let mut bytes = [0; 8_192];
    while let Ok(count) = client.read(&mut bytes) {
        let sent = &bytes[..count];
        if count == 0 {
            return;
        }
        if sent.windows(6).any(|word| word == b"COMMIT") {
            let now = fate.swap(Fate::Pass as u8, Ordering::SeqCst);
            if now == Fate::Lost as u8 {
                let _ = client.shutdown(std::net::Shutdown::Both);
                return;
            }
            if now == Fate::Unanswered as u8 {
                muted.store(true, Ordering::SeqCst);
            }
        }
        if server.write_all(sent).is_err() {
            return;
        }
    }
}
