//! What the local fleet must not forget: the last order, its target, and the ids given out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The record's name in the data folder.
pub const FLEET_FILE: &str = "fleet.json";
const VERSION: u32 = 1;
/// Orders whose application is remembered: far more than can be repeated.
const LEDGER_MAX: usize = 1_000;

/// Why the fleet can't be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The record can't be read.
    #[error("can't read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record can't be written; nothing was done.
    #[error("can't write {path}: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record isn't one.
    #[error("{path} is damaged ({source}): remove it to start with the initial replicas")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The record was written by a newer version.
    #[error("{path} has version {found}, this program knows {VERSION}: use the newer program, or another data folder")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The same order came with another target.
    #[error("order {order} was applied with target {applied}, and now asks for {asked}")]
    OtherTarget {
        /// Which order.
        order: u64,
        /// What it said before.
        applied: u32,
        /// What it says now.
        asked: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// The highest order that was applied, if any was.
    pub(super) order: Option<u64>,
    /// How many replicas it asked for.
    pub(super) target: u32,
    /// The next replica's id: never given out before.
    pub(super) next_id: u32,
    /// How often each order was applied.
    applied: BTreeMap<u64, u32>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Record {
    pub(super) fn first(target: u32) -> Self {
        Self { version: VERSION, order: None, target, next_id: 1, applied: BTreeMap::new() }
    }

    pub(super) fn apply(&mut self, order: u64, target: u32) {
        self.order = Some(order);
        self.target = target;
        *self.applied.entry(order).or_insert(0) += 1;
        while self.applied.len() > LEDGER_MAX {
            self.applied.pop_first();
        }
    }

    /// Takes over what was written, but not its ids: more may have been given out meanwhile.
    pub(super) fn adopt(&mut self, written: Self) {
        let next_id = self.next_id.max(written.next_id);
        *self = Self { next_id, ..written };
    }

    pub(super) fn ledger(&self) -> BTreeMap<u64, u32> {
        self.applied.clone()
    }

    /// Replaces the file in one step: whoever reads it, after whatever crash, finds the old record or the new one.
    pub(super) fn write(&self, dir: &Path) -> Result<(), FleetError> {
        let path = dir.join(FLEET_FILE);
        let draft = dir.join(format!("{FLEET_FILE}.tmp"));
        let replace = || -> io::Result<()> {
            let mut file = File::create(&draft)?;
            serde_json::to_writer(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            // The new name itself must survive a power cut too.
            File::open(dir)?.sync_all()
        };
        replace().map_err(|source| FleetError::Write { path: path.clone(), source })
    }
}

pub(super) fn read(dir: &Path) -> Result<Option<Record>, FleetError> {
    let path = dir.join(FLEET_FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(FleetError::Read { path, source }),
    };
    // The version first: a newer record may have keys that this one doesn't know.
    match serde_json::from_slice::<Versioned>(&text) {
        Ok(Versioned { version }) if version > VERSION => return Err(FleetError::Newer { path, found: version }),
        Ok(_) => {}
        Err(source) => return Err(FleetError::Damaged { path, source }),
    }
    serde_json::from_slice(&text).map(Some).map_err(|source| FleetError::Damaged { path, source })
}
