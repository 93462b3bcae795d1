//! What the text of a pure crate must not contain. The graph can't show this: the clock and the file system are in `std`.

use super::purity::PURE;
use super::workspace::{files, read};

/// Each with what to do instead.
const FORBIDDEN: [(&str, &str); 27] = [
    ("Instant::now", "take the time as an argument"),
    ("SystemTime", "take the time as an argument"),
    ("UNIX_EPOCH", "take the time as an argument"),
    ("thread_rng", "take a seeded generator as an argument"),
    ("rand::rng()", "take a seeded generator as an argument"),
    ("from_os_rng", "take a seeded generator as an argument"),
    ("RandomState", "its seed differs from run to run: use BTreeMap"),
    ("HashMap", "its order differs from run to run: use BTreeMap or a Vec"),
    ("HashSet", "its order differs from run to run: use BTreeSet or a Vec"),
    ("std::fs", "take the data as an argument"),
    ("std::net", "pure crates open no sockets"),
    ("std::process", "pure crates start nothing"),
    ("std::env", "take the setting as an argument"),
    ("std::thread", "only rayon over independent work"),
    ("async fn", "pure crates are synchronous"),
    // The standard library's are the C library's and differ in the last bit between machines; sqrt is exact everywhere.
    (".ln()", "libm::log"),
    (".ln_1p()", "libm::log1p"),
    (".log2()", "libm::log2"),
    (".log10()", "libm::log10"),
    (".exp()", "libm::exp"),
    (".exp_m1()", "libm::expm1"),
    (".powf(", "libm::pow"),
    (".powi(", "multiply, or libm::pow"),
    (".sin()", "libm::sin"),
    (".cos()", "libm::cos"),
    (".tanh()", "libm::tanh"),
    (".cbrt()", "libm::cbrt"),
];

/// The lines that ship: without comments and without what is compiled for tests only. Relies on rustfmt: an inline test module ends with
/// a brace at the indentation of its `mod`.
fn shipped_lines(source: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = source.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indent = line.len() - line.trim_start().len();
            let item = lines.find(|(_, line)| !line.trim_start().starts_with("#["));
            if item.is_some_and(|(_, item)| item.trim_end().ends_with('{')) {
                lines.find(|(_, line)| line.trim_end() == format!("{}}}", " ".repeat(indent)));
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push((number + 1, line.split(" // ").next().unwrap_or(line)));
        }
    }
    kept
}

/// The files of modules that their parent declares as `#[cfg(test)] mod NAME;`.
fn test_files(file: &str, source: &str) -> Vec<String> {
    let (folder, name) = file.rsplit_once('/').expect("src/ is in every path");
    let folder = match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    };
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        let name = pair[1].trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").strip_prefix("mod ")?.strip_suffix(';')?;
        Some([format!("{folder}/{name}.rs"), format!("{folder}/{name}/")])
    });
    declared.flatten().collect()
}

fn offences(file: &str, source: &str) -> Vec<String> {
    let found = |line: &str| FORBIDDEN.into_iter().find(|(word, _)| line.contains(word));
    let lines = shipped_lines(source).into_iter();
    lines.filter_map(|(number, line)| found(line).map(|(word, instead)| format!("{file}:{number}: `{word}`: {instead}"))).collect()
}

#[test]
fn pure_crates_touch_no_clock_no_chance_and_no_world() {
    let mut found = Vec::new();
    for name in PURE {
        let sources: Vec<(String, String)> =
            files(&format!("{name}/src"), &[".rs"]).into_iter().map(|file| (read(&file), file)).map(|(text, file)| (file, text)).collect();
        assert!(!sources.is_empty(), "{name}/src has no source");
        let of_tests: Vec<String> = sources.iter().flat_map(|(file, text)| test_files(file, text)).collect();
        for (file, text) in &sources {
            if !of_tests.iter().any(|test| file == test || (test.ends_with('/') && file.starts_with(test.as_str()))) {
                found.extend(offences(file, text));
            }
        }
    }
    assert!(found.is_empty(), "in pure crates:\n{}", found.join("\n"));
}

#[test]
fn the_search_sees_code_and_not_comments_nor_tests() {
    let source = "\
//! Never calls Instant::now.
fn a() {
    let x = 1.0_f64.ln(); // not .exp()
}
#[cfg(test)]
mod tests {
    use std::fs;
    mod deeper {
    }
}
#[cfg(test)]
mod elsewhere;
use std::net::TcpStream;
";
    assert_eq!(
        offences("x/src/a.rs", source),
        ["x/src/a.rs:3: `.ln()`: libm::log", "x/src/a.rs:13: `std::net`: pure crates open no sockets"]
    );
    assert_eq!(test_files("x/src/a.rs", source), ["x/src/a/elsewhere.rs", "x/src/a/elsewhere/"]);
    assert_eq!(test_files("x/src/a/mod.rs", source)[0], "x/src/a/elsewhere.rs");
}
