//! A file as it was at an origin.

use std::borrow::Cow;

use predictor::{Cleaning, Series};

use super::{SeriesFile, SeriesFileError};

/// What a file held at any moment.
#[derive(Debug)]
pub struct Past<'a> {
    pub(super) file: &'a SeriesFile,
    pub(super) whole: Series,
    /// Nothing had to be done to its rows, so that the first of them are the beginning of the series.
    pub(super) in_order: bool,
}

impl Past<'_> {
    /// All rows.
    #[must_use]
    pub fn whole(&self) -> &Series {
        &self.whole
    }

    /// The file's name without folder and ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The rows with a timestamp ≤ `origin_ms`: what could be known then; the series may go on after it. The step is that of the whole file, so
    /// that a few first rows can't tell another.
    ///
    /// # Errors
    /// [`SeriesFileError::Series`].
    pub fn until(&self, origin_ms: i64) -> Result<(Cow<'_, Series>, Vec<Cleaning>), SeriesFileError> {
        let (whole, step_ms) = (&self.whole, self.whole.step_ms());
        let last = usize::try_from((origin_ms.min(whole.end_ms() - step_ms) - whole.start_ms()).div_euclid(step_ms)).ok();
        match last.and_then(|last| (0..=last).rev().find(|&slot| whole.value(slot).is_some())) {
            Some(slot) if self.in_order && Some(slot) == last => Ok((Cow::Borrowed(whole), Vec::new())),
            // A gap at the end isn't known to be one.
            Some(slot) if self.in_order => Ok((Cow::Owned(whole.until(whole.timestamp_ms(slot))), Vec::new())),
            _ => {
                let known: Vec<(i64, f64)> = self.file.points.iter().copied().filter(|point| point.0 <= origin_ms).collect();
                let found = Series::try_from_points(&known, Some(step_ms));
                let (series, notes) = found.map_err(|source| SeriesFileError::Series { file: self.file.name.clone(), source })?;
                Ok((Cow::Owned(series), notes))
            }
        }
    }
}
