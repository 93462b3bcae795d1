//! Sets a key of a scenario by its path: `pools.app.replicas`, `pools.0.replicas` and `pools[0].replicas` are the same when the first
//! pool is
//! called app.

use toml::{Table, Value};

/// Puts a value there, and returns the path as the scenario's errors name it (`pools[0].replicas`). Tables on the way that aren't there are
/// made: the scenario's own reader refuses those that it doesn't know.
///
/// # Errors
/// What would be allowed, when the path leads through something that has no such part.
pub fn set(root: &mut Table, path: &str, value: Value) -> Result<String, String> {
    let parts: Vec<&str> = path.split(['.', '[']).map(|part| part.trim_end_matches(']')).collect();
    let Some((last, way)) = parts.split_last().filter(|_| parts.iter().all(|part| !part.is_empty())) else {
        return Err("a path of keys with dots between them, like \"pools.app.replicas\"".to_owned());
    };
    let (mut table, mut name) = (root, String::new());
    let mut way = way.iter();
    while let Some(part) = way.next() {
        let found = table.entry((*part).to_owned()).or_insert_with(|| Value::Table(Table::new()));
        name = join(&name, part);
        table = match found {
            Value::Table(inner) => inner,
            Value::Array(list) => {
                let Some(which) = way.next() else { return Err(format!("one of {} after {name}", names(list))) };
                let at = place(list, which).ok_or_else(|| format!("one of {} after {name}, not {which}", names(list)))?;
                name = format!("{name}[{at}]");
                let Some(Value::Table(inner)) = list.get_mut(at) else {
                    return Err(format!("a path that ends at {name}, which is no table"));
                };
                inner
            }
            _ => return Err(format!("a path that ends at {name}, which is no table")),
        };
    }
    if table.get(*last).is_some_and(|old| old.as_array().is_some_and(|list| list.iter().any(Value::is_table)) && !value.is_array()) {
        return Err(format!("a path that goes on after {last}, which is a list of tables; or a whole list as the value"));
    }
    table.insert((*last).to_owned(), value);
    Ok(join(&name, last))
}

fn join(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

fn place(list: &[Value], which: &str) -> Option<usize> {
    let named = list.iter().position(|item| name_of(item) == Some(which));
    named.or_else(|| which.parse().ok().filter(|at| *at < list.len()))
}

fn names(list: &[Value]) -> String {
    list.iter().enumerate().map(|(at, item)| name_of(item).map_or_else(|| at.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Table {
        "seed = 1\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 4.0 }\n[[pools]]\nname = \"web\"\nreplicas = 1\n\
         [[pools]]\nname = \"app\"\nreplicas = 2\n"
            .parse()
            .unwrap()
    }

    #[test]
    fn a_path_goes_through_tables_and_lists_by_name_or_place() {
        for path in ["pools.app.replicas", "pools.1.replicas", "pools[1].replicas"] {
            let mut table = base();
            assert_eq!(set(&mut table, path, Value::Integer(9)).as_deref(), Ok("pools[1].replicas"));
            assert_eq!(table["pools"][1]["replicas"], Value::Integer(9));
            assert_eq!(table["pools"][0]["replicas"], Value::Integer(1));
        }
        let mut table = base();
        assert_eq!(set(&mut table, "workload.arrivals.rate_rps", Value::Float(8.0)).as_deref(), Ok("workload.arrivals.rate_rps"));
        assert_eq!(table["workload"]["arrivals"]["rate_rps"], Value::Float(8.0));
        assert_eq!(set(&mut table, "slo.latency_ms", Value::Integer(50)).as_deref(), Ok("slo.latency_ms"));
        assert_eq!(table["slo"]["latency_ms"], Value::Integer(50));
    }

    #[test]
    fn what_leads_nowhere_says_what_there_is() {
        let error = |path: &str| set(&mut base(), path, Value::Integer(1)).unwrap_err();
        assert_eq!(error("pools.db.replicas"), "one of web, app after pools, not db");
        assert_eq!(error("pools.2.replicas"), "one of web, app after pools, not 2");
        assert!(error("seed.more").starts_with("a path that ends at seed"));
        assert!(error("pools").starts_with("a path that goes on after pools"));
        assert!(error("pools..replicas").starts_with("a path of keys"));
        assert!(error("").starts_with("a path of keys"));
    }
}
