//! Where the database is. A URL holds a password, so nothing here prints one: not in an error, not in a log, not with `{:?}`.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::StoreError;

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// SQLite in this data folder.
    Folder(PathBuf),
    /// PostgreSQL.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: String,
        /// The data folder, for local files: it belongs to one process all the same.
        folder: PathBuf,
    },
}

impl Location {
    /// PostgreSQL if a URL is given, else SQLite in the folder.
    ///
    /// # Errors
    /// [`StoreError::Url`] for anything but a `postgres://` URL.
    pub fn try_new(folder: PathBuf, url: Option<String>) -> Result<Self, StoreError> {
        let Some(url) = url else { return Ok(Self::Folder(folder)) };
        match Url::parse(&url) {
            Ok(parsed) if ["postgres", "postgresql"].contains(&parsed.scheme()) => Ok(Self::Postgres { url, folder }),
            Ok(parsed) => Err(StoreError::Url { why: format!("{}:// is no database that prescale knows", parsed.scheme()) }),
            Err(error) => Err(StoreError::Url { why: error.to_string() }),
        }
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) | Self::Postgres { folder, .. } => folder,
        }
    }
}

/// What may be shown: the file, or host, port and name of the database, never user or password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", super::file_in(folder).display()),
            Self::Postgres { url, .. } => match Url::parse(url) {
                Ok(url) => {
                    // A socket's folder can't be a host name in a URL: it comes as a parameter.
                    let socket = url.query_pairs().find(|(key, _)| key == "host").map(|(_, value)| value.into_owned());
                    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                    write!(f, "postgres://{}{port}{}", socket.as_deref().or(url.host_str()).unwrap_or_default(), url.path())
                }
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self}, data folder {})", self.folder().display())
    }
}
