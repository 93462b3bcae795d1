//! What differs between two configurations, key by key, as people would write it: `services.chat-api.rails.max: 40 → 60`.

use std::collections::BTreeMap;

use planner::{Changed, ServiceConfig};
use serde_json::Value;

/// What differs between the services that ran and those that are to run.
#[must_use]
pub fn of_services(before: &[ServiceConfig], after: &[ServiceConfig]) -> Vec<Changed> {
    // Plain data always serialises; what didn't would be shown as no difference.
    let value = |services: &[ServiceConfig]| serde_json::json!({ "services": serde_json::to_value(services).unwrap_or_default() });
    between(&value(before), &value(after))
}

/// What differs between two documents, sorted by key. The elements of a list of tables go by their `name`, so that one that moves is the same.
#[must_use]
pub fn between(before: &Value, after: &Value) -> Vec<Changed> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(before, String::new(), &mut old);
    flatten(after, String::new(), &mut new);
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| Changed { key: key.clone(), before: old.get(key).cloned(), after: new.get(key).cloned() })
        .collect()
}

fn flatten(value: &Value, path: String, out: &mut BTreeMap<String, String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(table) => table.iter().for_each(|(key, value)| flatten(value, below(key), out)),
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (at, element) in list.iter().enumerate() {
                let name = element.get("name").or_else(|| element.get("address")).and_then(Value::as_str);
                flatten(element, below(name.unwrap_or(&at.to_string())), out);
            }
        }
        Value::String(text) => _ = out.insert(path, text.clone()),
        other => _ = out.insert(path, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_added_and_removed_keys_are_named_by_service() {
        let before = json!({"server": {"listen": "a"}, "services": [{"name": "shop", "rails": {"max": 4}}, {"name": "cart", "load": "x"}]});
        let after = json!({"server": {"listen": "a"}, "services": [{"name": "cart", "load": "x", "tick": null}, {"name": "shop", "rails": {"max": 6, "min": 1}}]});
        let shown: Vec<String> = between(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["services.shop.rails.max: 4 → 6", "services.shop.rails.min: absent → 1"]);
        assert!(between(&after, &after).is_empty());
    }
}
