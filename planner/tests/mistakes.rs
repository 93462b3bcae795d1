//! A mistake is told as one mistake, and two as two: the bundled scenarios and cases, each key of them spoilt in turn.

// In tests a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use balancer::Nanos;
use planner::simulated::Factory;
use simulator::{Scenario, SeriesData, SeriesSource};
use toml::{Table, Value};

/// Whatever file a scenario names.
struct AnyFile;

impl SeriesSource for AnyFile {
    fn load(&self, _file: &str) -> Result<SeriesData, String> {
        let values = (0..20_000).map(|at| Some(f64::from(at % 7 + 1))).collect();
        Ok(SeriesData { start_ms: 1_700_000_000_000, step: Nanos::from_secs(60), values })
    }

    fn load_log(&self, _file: &str) -> Result<Vec<f64>, String> {
        Ok(vec![0.0, 1.0, 2.0])
    }
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    At(usize),
}

/// The paths of all keys.
fn keys(value: &Value, path: &mut Vec<Step>, out: &mut Vec<Vec<Step>>) {
    let mut below = |step: Step, value: &Value, is_key: bool| {
        path.push(step);
        if is_key {
            out.push(path.clone());
        }
        keys(value, path, out);
        path.pop();
    };
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| below(Step::Key(key.clone()), value, true)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| below(Step::At(at), value, false)),
        _ => {}
    }
}

fn at<'t>(root: &'t mut Value, path: &[Step]) -> &'t mut Value {
    path.iter().fold(root, |value, step| match step {
        Step::Key(key) => value.get_mut(key).unwrap(),
        Step::At(at) => value.get_mut(*at).unwrap(),
    })
}

/// One of four ways to get a key wrong.
fn spoil(root: &mut Value, path: &[Step], how: usize) {
    let wrong = [Value::Integer(-7), Value::String("nothing like that".to_owned()), Value::Boolean(true)];
    if let Some(wrong) = wrong.into_iter().nth(how) {
        *at(root, path) = wrong;
        return;
    }
    let Some((Step::Key(last), way)) = path.split_last() else { return };
    let table = at(root, way).as_table_mut().unwrap();
    let value = table.remove(last).unwrap();
    table.insert(format!("{last}_"), value);
}

fn mistakes(root: &Value) -> Vec<String> {
    let Value::Table(table) = root else { panic!("no table") };
    let found = Scenario::from_table_all(table, &AnyFile, &Factory::default());
    found.map_or_else(|errors| errors.into_iter().map(|error| error.key).collect(), |_| Vec::new())
}

/// The bundled scenarios.
fn bundled() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for folder in ["scenarios", "cases"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.display().to_string(), Value::Table(text.parse::<Table>().unwrap())));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(found.len() > 12, "{}", found.len());
    found
}

/// A spoilt key that makes one mistake, and how that is called.
type Spoilt = (Vec<Step>, usize, String);

/// Every way to spoil a scenario that makes it wrong.
fn all_spoilt(name: &str, whole: &Value) -> Vec<Spoilt> {
    let mut paths = Vec::new();
    keys(whole, &mut Vec::new(), &mut paths);
    let mut spoilt = Vec::new();
    for (path, how) in paths.iter().flat_map(|path| (0..4).map(move |how| (path, how))) {
        // Another name is as good; that somebody else names it is another matter.
        if how == 1 && path.last() == Some(&Step::Key("name".to_owned())) {
            continue;
        }
        let mut root = whole.clone();
        spoil(&mut root, path, how);
        let found = mistakes(&root);
        assert!(found.len() < 2, "{name}: {path:?} spoilt by {how} makes {found:?}");
        spoilt.extend(found.into_iter().map(|key| (path.clone(), how, key)));
    }
    spoilt
}

#[test]
fn one_mistake_is_told_as_one_and_two_as_two() {
    let (mut both, mut pairs) = (0, 0);
    for (name, whole) in bundled() {
        assert_eq!(mistakes(&whole), Vec::<String>::new(), "{name}");
        let spoilt = all_spoilt(&name, &whole);
        for (number, first) in spoilt.iter().enumerate() {
            let second = &spoilt[(number * 31 + 17) % spoilt.len()];
            if first.0.first() == second.0.first() {
                continue;
            }
            let mut root = whole.clone();
            spoil(&mut root, &first.0, first.1);
            spoil(&mut root, &second.0, second.1);
            let found = mistakes(&root);
            pairs += 1;
            assert!(found.iter().all(|key| *key == first.2 || *key == second.2), "{name}: {first:?} and {second:?} make {found:?}");
            both += usize::from(found.len() == 2);
        }
    }
    // Of the rest one has to be mended first: a region that nobody knows hides what else is wrong with who is in it.
    assert!(pairs > 1_500 && both * 100 > pairs * 98, "{both} of {pairs}");
}
