//! A copy of a SQLite database that another process may be writing: consistent, compact, and never half there under its name.

use std::fs::File;
use std::path::Path;

use super::{StoreError, dialect, file_in};

/// Copies the database of a data folder into a new file. It needs no lock of the folder: what is copied is one moment of the database, and
/// whoever works with it goes on.
///
/// # Errors
/// [`StoreError::Backup`] if there is no database, the file exists already, or it can't be written; what the database says.
pub async fn backup(folder: &Path, out: &Path) -> Result<(), StoreError> {
    let failed = |why: String| StoreError::Backup { path: out.display().to_string(), why };
    let file = file_in(folder);
    if !file.is_file() {
        return Err(failed(format!(
            "{} is no database to copy; --data-dir names the folder of a prescale with SQLite (PostgreSQL is copied with pg_dump)",
            file.display()
        )));
    }
    if out.exists() {
        return Err(failed("it exists already; choose a new name".into()));
    }
    // Under another name until it is whole and on disk: whoever finds a backup finds a good one.
    let mut name = out.file_name().ok_or_else(|| failed("this is no name of a file".into()))?.to_owned();
    name.push(".part");
    let part = out.with_file_name(name);
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error.to_string())),
        _ => {}
    }
    dialect::copy_sqlite(&file, &part).await.map_err(|error| failed(StoreError::from(error).to_string()))?;
    File::open(&part).and_then(|file| file.sync_all()).and_then(|()| std::fs::rename(&part, out)).map_err(|error| failed(error.to_string()))
}
