//! Files stay small. Nothing passes 500 lines, and the number of files beyond 300 can only fall.

use super::workspace::{files, read};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Split a file before it gets there.
const LINES_MAX: usize = 500;
/// Look at a file again when it gets there.
const LINES_LONG: usize = 300;

/// Files beyond [`LINES_LONG`] lines by top folder; folders not named have none. Split one, then lower its number: it never rises again.
const LONG_FILES: [(&str, usize); 4] = [("planner", 1), ("predictor", 1), ("proxy", 2), ("server", 1)];

/// Written by a tool, read by nobody.
const GENERATED: [&str; 1] = ["web/src/api/schema.d.ts"];

fn sizes() -> Vec<(String, usize)> {
    let ours = files(".", &[".rs", ".ts", ".svelte"]).into_iter().filter(|file| !GENERATED.contains(&file.as_str()));
    ours.map(|file| (read(&file).lines().count(), file)).map(|(lines, file)| (file, lines)).collect()
}

#[test]
fn no_file_passes_five_hundred_lines() {
    let sizes = sizes();
    assert!(sizes.len() > 50, "the search found only {} files", sizes.len());
    let too_long: Vec<_> = sizes.into_iter().filter(|(_, lines)| *lines > LINES_MAX).collect();
    assert!(too_long.is_empty(), "split these (at most {LINES_MAX} lines): {too_long:?}");
}

#[test]
fn long_files_only_get_fewer() {
    let mut counts: BTreeMap<String, usize> = LONG_FILES.iter().map(|(folder, _)| ((*folder).to_owned(), 0)).collect();
    let long: Vec<_> = sizes().into_iter().filter(|(_, lines)| *lines > LINES_LONG).collect();
    for (file, _) in &long {
        let folder = file.split('/').next().unwrap_or_default();
        *counts.entry(folder.to_owned()).or_default() += 1;
    }
    let mut wrong = Vec::new();
    for (folder, count) in counts {
        let allowed = LONG_FILES.iter().find(|(name, _)| *name == folder).map_or(0, |(_, allowed)| *allowed);
        let here: Vec<_> = long.iter().filter(|(file, _)| file.starts_with(&format!("{folder}/"))).collect();
        match count.cmp(&allowed) {
            Ordering::Greater => wrong.push(format!("{folder}/ has {count}, allowed are {allowed}: split one of {here:?}")),
            Ordering::Less => wrong.push(format!("{folder}/ has only {count}: lower its {allowed} in LONG_FILES, so that it stays")),
            Ordering::Equal => {}
        }
    }
    assert!(wrong.is_empty(), "files beyond {LINES_LONG} lines:\n{}", wrong.join("\n"));
}
