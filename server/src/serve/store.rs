//! The database that the configuration names.

use super::check::Finding;
use crate::config::file::{self, Server};
use crate::store::{self, Location, Retention, StoreError};

pub use crate::store::Store;

pub fn location(server: &Server) -> Result<Location, StoreError> {
    Location::try_new(server.data_dir.clone(), server.database.as_ref().map(|url| url.value().to_owned()))
}

pub async fn open(server: &Server) -> Result<Store, String> {
    let location = location(server).map_err(|error| error.to_string())?;
    Store::open(&location).await.map_err(|error| format!("{location}: {error}"))
}

pub fn retention(server: &Server) -> Retention {
    let file::Retention { fine_days, hourly_days, journal_days } = server.retention;
    Retention { fine_days, hourly_days, journal_days }
}

/// Whether folder and database can be used. Nothing is created, and nothing is brought up to date: that is the start's business.
pub async fn test(server: &Server) -> Vec<Finding> {
    let mut findings = vec![test_folder(server)];
    match location(server) {
        Ok(Location::Folder(_)) => {}
        Ok(location) => findings.push(match store::reach(&location).await {
            Ok(()) => Finding::new("database", true, format!("{location} lets us in")),
            Err(error) => Finding::new("database", false, format!("{location}: {error}")),
        }),
        Err(error) => findings.push(Finding::new("database", false, error.to_string())),
    }
    findings
}

fn test_folder(server: &Server) -> Finding {
    let what = "data folder";
    let folder = &server.data_dir;
    if !folder.exists() {
        return Finding::new(what, true, format!("{} is made at the first start", folder.display()));
    }
    // A file of our own tells more than the permission bits do.
    match tempfile_in(folder) {
        Ok(()) => Finding::new(what, true, format!("{} can be written", folder.display())),
        Err(error) => {
            let text = format!(
                "{} can't be written ({error}); let the user of prescale write there, or choose another server.data_dir",
                folder.display()
            );
            Finding::new(what, false, text)
        }
    }
}

fn tempfile_in(folder: &std::path::Path) -> std::io::Result<()> {
    let path = folder.join(format!(".prescale-check-{}", std::process::id()));
    std::fs::write(&path, b"")?;
    std::fs::remove_file(path)
}
