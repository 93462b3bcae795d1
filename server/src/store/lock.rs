//! One process a data folder: an advisory lock that the system gives back when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::StoreError;

/// The file that is locked, in the data folder.
pub const FILE: &str = "prescale.lock";

/// A lock that is held until it is dropped. It is given back by word: a process that is just being started has a copy of the file until it
/// becomes another program, and closing ours alone would leave the folder locked that long.
#[derive(Debug)]
pub struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // What can't be unlocked is unlocked when the last copy is closed.
        let _ = self.0.unlock();
    }
}

pub fn acquire(folder: &Path) -> Result<Held, StoreError> {
    let path = folder.display().to_string();
    let failed = |source| StoreError::Folder { path: path.clone(), source };
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // The id is for people; the lock is what counts.
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id())).map_err(failed)?;
            Ok(Held(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            Err(StoreError::InUse { path, pid: if pid.is_empty() { "unknown".into() } else { pid } })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
