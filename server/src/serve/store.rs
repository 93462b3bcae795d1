//! The database that the configuration names.

use crate::config::file::{self, Server};
use crate::store::{Location, Retention, StoreError};

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
