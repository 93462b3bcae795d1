//! The files behind an import: nginx looks for included ones relative to the folder of its configuration.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::FILE_BYTES_MAX;
use crate::import::nginx::Includes;

/// The text of a file, up to a limit.
pub fn text(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("longer than {} MiB: this is no configuration", FILE_BYTES_MAX >> 20));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Files relative to the folder of a file.
pub struct Beside {
    folder: PathBuf,
}

impl Beside {
    pub fn of(file: &Path) -> Self {
        Self { folder: file.parent().unwrap_or(Path::new("")).to_path_buf() }
    }
}

impl Includes for Beside {
    fn read(&self, pattern: &str) -> Result<Vec<(String, String)>, String> {
        let wild = pattern.contains(['*', '?', '[']);
        let mut found = matching(&self.folder.join(pattern));
        found.sort();
        if found.is_empty() && !wild {
            return Err("there is no such file".to_owned());
        }
        let read = |path: PathBuf| {
            let text = text(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            Ok((path.display().to_string(), text))
        };
        found.into_iter().filter(|path| path.is_file()).map(read).collect()
    }
}

/// The paths that a pattern names, as `glob(3)` does it for nginx: `*` and `?` don't match a leading dot.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy();
        let wild = matches!(part, Component::Normal(_)) && name.contains(['*', '?']);
        if !wild {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let listed = found.iter().flat_map(|folder| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter(|entry| fits(&name, &entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect::<Vec<_>>()
        });
        found = listed.collect();
    }
    found.into_iter().filter(|path| path.exists()).collect()
}

/// Whether a name fits a pattern of `*` and `?`; in a time that grows with the product of their lengths, not faster.
fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut star, mut kept) = (0, None, 0);
    let mut letter = 0;
    while letter < name.len() {
        if pattern.get(at).is_some_and(|wanted| *wanted == '?' || *wanted == name[letter]) && pattern.get(at) != Some(&'*') {
            (at, letter) = (at + 1, letter + 1);
        } else if pattern.get(at) == Some(&'*') {
            (star, kept, at) = (Some(at), letter, at + 1);
        } else if let Some(star) = star {
            kept += 1;
            (at, letter) = (star + 1, kept);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|wanted| *wanted == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".a.conf", false),
            ("*.conf", "a.conf.bak", false),
            ("a?c*", "abcd", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn included_files_are_found_beside_the_configuration_in_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf.d")).unwrap();
        for name in ["b.conf", "a.conf", "c.txt"] {
            fs::write(folder.path().join("conf.d").join(name), name).unwrap();
        }
        let includes = Beside::of(&folder.path().join("nginx.conf"));
        let texts = |pattern: &str| includes.read(pattern).map(|files| files.into_iter().map(|(_, text)| text).collect::<Vec<_>>());
        assert_eq!(texts("conf.d/*.conf"), Ok(vec!["a.conf".to_owned(), "b.conf".to_owned()]));
        assert_eq!(texts("conf.d/c.txt"), Ok(vec!["c.txt".to_owned()]));
        assert_eq!(texts("nothing/*.conf"), Ok(Vec::new()));
        assert_eq!(texts("conf.d/none.conf"), Err("there is no such file".to_owned()));
    }
}
