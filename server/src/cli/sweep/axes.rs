//! What the cells of a sweep differ in.

use std::collections::BTreeMap;

use toml::Value;

use super::file::{Plan, Source, SweepFile};
use super::mistakes::Mistakes;
use crate::config::problem::Step;

pub struct Axis {
    pub name: String,
    pub choices: Vec<Choice>,
}

pub struct Choice {
    label: String,
    /// Where it is written.
    steps: Vec<Step>,
    changes: Vec<Change>,
}

pub struct Change {
    /// The key of the scenario.
    pub path: String,
    pub value: Value,
    /// Where it is written.
    pub steps: Vec<Step>,
}

pub fn key(key: &str) -> Step {
    Step::Key(key.to_owned())
}

/// The axes of a file; one without values, and a value that is there twice, are mistakes.
pub fn axes(source: &Source<'_>, file: &SweepFile, mistakes: &mut Mistakes<'_>) -> Vec<Axis> {
    let mut axes = Vec::new();
    if let Some(algorithms) = &file.algorithms {
        let choice = |(at, name): (usize, &String)| {
            let steps = vec![key("algorithms"), Step::At(at)];
            let change = Change { path: "balancer.algorithm".to_owned(), value: Value::String(name.clone()), steps: steps.clone() };
            Choice { label: name.clone(), steps, changes: vec![change] }
        };
        let choices = algorithms.iter().enumerate().map(choice).collect();
        axes.push((vec![key("algorithms")], Axis { name: "algorithm".to_owned(), choices }));
    }
    if let Some(plans) = &file.plans {
        let choice = |(at, plan): (usize, &Plan)| {
            let steps = vec![key("plans"), Step::At(at)];
            let changes = changes(&plan.set, &[key("plans"), Step::At(at), key("set")]);
            Choice { label: plan.name.clone(), steps, changes }
        };
        axes.push((vec![key("plans")], Axis { name: "plan".to_owned(), choices: plans.iter().enumerate().map(choice).collect() }));
    }
    for (path, values) in &file.matrix {
        let choice = |(at, value): (usize, &Value)| {
            let label = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let steps = vec![key("matrix"), key(path), Step::At(at)];
            Choice { label, changes: vec![Change { path: path.clone(), value: value.clone(), steps: steps.clone() }], steps }
        };
        let choices = values.iter().enumerate().map(choice).collect();
        axes.push((vec![key("matrix"), key(path)], Axis { name: path.clone(), choices }));
    }
    for (steps, axis) in &axes {
        if axis.choices.is_empty() {
            mistakes.add(source.wrong(steps, "an empty list", "at least one value, or no such key"));
        }
        for again in twice(&axis.choices) {
            mistakes.add(source.wrong(&again.steps, &format!("{} twice", again.label), "each once"));
        }
    }
    axes.into_iter().map(|(_, axis)| axis).filter(|axis| !axis.choices.is_empty()).collect()
}

/// Choices that have been there before.
fn twice(choices: &[Choice]) -> impl Iterator<Item = &Choice> {
    let before = |at: usize| choices[..at].iter().any(|choice| choice.label == choices[at].label);
    (0..choices.len()).filter(move |at| before(*at)).map(|at| &choices[at])
}

/// Changes as they stand in a table.
pub fn changes(set: &BTreeMap<String, Value>, at: &[Step]) -> Vec<Change> {
    let one = |(path, value): (&String, &Value)| {
        let steps = at.iter().cloned().chain([key(path)]).collect();
        Change { path: path.clone(), value: value.clone(), steps }
    };
    set.iter().map(one).collect()
}

/// The name of a cell, its value on each axis, and what is changed for it. The last axis changes fastest.
pub fn combination(axes: &[Axis], at: usize) -> (String, Vec<String>, impl Iterator<Item = &Change>) {
    let mut rest = at;
    let mut chosen: Vec<&Choice> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        chosen.push(&axis.choices[rest % axis.choices.len()]);
        rest /= axis.choices.len();
    }
    chosen.reverse();
    let values = chosen.iter().map(|choice| choice.label.clone()).collect();
    (name(axes, &chosen), values, chosen.into_iter().flat_map(|choice| &choice.changes))
}

/// "p2c, replicas 4": the last part of a path, unless two paths end alike.
fn name(axes: &[Axis], chosen: &[&Choice]) -> String {
    let short = |path: &'_ str| path.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    let one = |(axis, choice): (&Axis, &&Choice)| {
        let own = short(&axis.name);
        let shared = axes.iter().filter(|other| short(&other.name) == own).count() > 1;
        match axis.name.as_str() {
            "algorithm" | "plan" => choice.label.clone(),
            path => format!("{} {}", if shared { path } else { &own }, choice.label),
        }
    };
    let parts: Vec<String> = axes.iter().zip(chosen).map(one).collect();
    if parts.is_empty() { "the scenario as it is".to_owned() } else { parts.join(", ") }
}
