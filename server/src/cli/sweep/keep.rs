//! What is done is kept in a folder beside the results, a file a cell, so that a sweep which was interrupted goes on where it stopped. A
//! cell is recognised by a hash of everything that its result depends on: its scenario, the files that this names, the seeds and our
//! version.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use simulator::{SeriesData, SeriesSource};
use toml::Table;

use crate::api::dto::Cell;
use crate::cli::CliError;
use crate::cli::simulate::files::Files;

/// Reads files as `simulate` does, and takes a hash of what is in them.
pub struct Hashing<'a> {
    files: &'a Files,
    seen: RefCell<Context>,
}

impl<'a> Hashing<'a> {
    pub fn new(files: &'a Files) -> Self {
        Self { files, seen: RefCell::new(Context::new(&SHA256)) }
    }

    pub fn finish(self) -> Context {
        self.seen.into_inner()
    }
}

impl SeriesSource for Hashing<'_> {
    fn load(&self, file: &str) -> Result<SeriesData, String> {
        let data = self.files.load(file)?;
        let mut seen = self.seen.borrow_mut();
        seen.update(&data.start_ms.to_le_bytes());
        seen.update(&data.step.0.to_le_bytes());
        // A gap is a NaN, which no value is.
        data.values.iter().for_each(|value| seen.update(&value.unwrap_or(f64::NAN).to_le_bytes()));
        Ok(data)
    }

    fn load_log(&self, file: &str) -> Result<Vec<f64>, String> {
        let log = self.files.load_log(file)?;
        let mut seen = self.seen.borrow_mut();
        log.iter().for_each(|at| seen.update(&at.to_le_bytes()));
        Ok(log)
    }
}

/// The hash of a cell. `files` has seen the files that it reads.
pub fn key_of(table: &Table, mut files: Context, (seed, seeds): (u64, u32)) -> String {
    let rest = format!("\n{}\n{seed} {seeds}\n{table}", env!("CARGO_PKG_VERSION"));
    files.update(rest.as_bytes());
    files.finish().as_ref().iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where done cells are; nowhere without a file of results.
pub struct Store {
    folder: Option<PathBuf>,
}

/// TOML, because it reads numbers back to the last bit.
#[derive(Serialize, Deserialize)]
struct Kept {
    cell: Cell,
}

impl Store {
    /// `results.parquet` keeps its cells in `results.parquet.cells`.
    pub fn beside(out: Option<&Path>) -> Result<Self, CliError> {
        let Some(out) = out else { return Ok(Self { folder: None }) };
        let mut name = out.as_os_str().to_owned();
        name.push(".cells");
        let folder = PathBuf::from(name);
        std::fs::create_dir_all(&folder).map_err(|error| CliError::BadInput(format!("--out: {}: {error}", folder.display())))?;
        Ok(Self { folder: Some(folder) })
    }

    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn file(&self, hash: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{hash}.toml")))
    }

    /// A cell that is done. A file that can't be read is as good as none: the cell is run again.
    pub fn load(&self, hash: &str) -> Option<Cell> {
        let text = std::fs::read_to_string(self.file(hash)?).ok()?;
        toml::from_str::<Kept>(&text).ok().map(|kept| kept.cell)
    }

    /// Keeps it; whoever is interrupted here leaves no half of a file under its name.
    pub fn save(&self, hash: &str, cell: &Cell) -> Result<(), CliError> {
        let Some(file) = self.file(hash) else { return Ok(()) };
        let failed = |error: &dyn std::fmt::Display| CliError::Failed(format!("{}: {error}", file.display()));
        let text = toml::to_string(&Kept { cell: cell.clone() }).map_err(|error| failed(&error))?;
        let unfinished = file.with_extension("part");
        std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, &file)).map_err(|error| failed(&error))
    }
}
