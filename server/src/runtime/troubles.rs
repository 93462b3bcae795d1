//! What the database can't do now, and how that is known to be over.

use parking_lot::RwLock;

use super::metrics::StoreWork;
use crate::store::StoreError;

/// What failed last of each kind of work.
#[derive(Debug, Default)]
pub struct Troubles(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    probe: Option<String>,
    journal: Option<Trouble>,
    history: Option<Trouble>,
}

#[derive(Debug)]
struct Trouble {
    text: String,
    /// Only a write can tell whether it is over.
    of_writing: bool,
}

impl Known {
    fn of(&mut self, work: StoreWork) -> &mut Option<Trouble> {
        match work {
            StoreWork::Journal => &mut self.journal,
            StoreWork::History => &mut self.history,
        }
    }

    fn written(&self) -> impl Iterator<Item = &Trouble> {
        [&self.journal, &self.history].into_iter().flatten()
    }

    fn text(&self) -> Option<&String> {
        self.probe.iter().chain(self.written().map(|trouble| &trouble.text)).next()
    }
}

impl Troubles {
    /// Why the database can't be written, if it can't.
    pub fn text(&self) -> Option<String> {
        self.0.read().text().cloned()
    }

    /// Whether a write failed for a reason that only another write can disprove.
    pub fn lacks_room(&self) -> bool {
        self.0.read().written().any(|trouble| trouble.of_writing)
    }

    /// A write failed. Returns whether this is news.
    pub fn failed(&self, work: StoreWork, error: &StoreError) -> bool {
        let trouble = Trouble { text: error.to_string(), of_writing: error.is_of_writing() };
        self.0.write().of(work).replace(trouble).is_none()
    }

    /// A write succeeded.
    pub fn works(&self, work: StoreWork) {
        let known = self.0.read().text().is_some();
        if known {
            *self.0.write().of(work) = None;
        }
    }

    /// A probe failed. Returns whether this is news.
    pub fn probe_failed(&self, error: &StoreError) -> bool {
        self.0.write().probe.replace(error.to_string()).is_none()
    }

    /// A probe succeeded, and tried whatever had failed before. Returns whether this is news.
    pub fn probe_works(&self) -> bool {
        let mut known = self.0.write();
        let news = known.text().is_some();
        *known = Known::default();
        news
    }
}
