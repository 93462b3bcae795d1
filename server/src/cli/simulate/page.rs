//! The report of a simulation as one HTML file: figures with their intervals, the comparison with a baseline, and the course of things.

use std::fmt::Write as _;

use simulator::{RunResult, Scenario};

use super::course::{Stretch, course};
use super::earlier::{Earlier, workload};
use crate::api::dto::{Cell, Comparison};
use crate::jobs::compare::compare;
use crate::jobs::figures;
use crate::jobs::report::chart::{Line, lines_over_time, swatch};
use crate::jobs::report::{self, Drawing, escaped};

/// One scenario and what its runs gave.
pub struct Side<'a> {
    scenario: &'a Scenario,
    text: &'a str,
    seed: u64,
    runs: Vec<RunResult>,
}

impl<'a> Side<'a> {
    /// `text` is the file of the scenario, `runs` are in the order of their seeds.
    pub fn new(scenario: &'a Scenario, text: &'a str, seed: u64, runs: Vec<RunResult>) -> Self {
        Self { scenario, text, seed, runs }
    }

    /// Whether both are asked the same by their users.
    fn has_workload_of(&self, other: &Base<'_>) -> bool {
        let theirs = match other {
            Base::Run(side) => workload(side.text),
            Base::Earlier(earlier) => earlier.workload.clone(),
        };
        workload(self.text) == theirs
    }
}

/// What is compared with.
pub enum Base<'a> {
    /// Another scenario, run over the same seeds just now.
    Run(Side<'a>),
    /// A result of an earlier run.
    Earlier(&'a Earlier),
}

impl Base<'_> {
    /// Its runs, if they are there.
    fn side(&self) -> Option<&Side<'_>> {
        if let Self::Run(side) = self { Some(side) } else { None }
    }
}

/// The scenario, and the baseline behind it.
fn cells(own: &Side<'_>, base: Option<&Base<'_>>) -> Vec<Cell> {
    let cell = |index: u32, side: &Side<'_>| figures::cell(index, &side.scenario.name, side.scenario, side.seed, &side.runs);
    let own_cell = cell(0, own);
    let of_base = base.map(|base| match base {
        Base::Run(side) => cell(1, side),
        Base::Earlier(earlier) => earlier.cell(&own_cell),
    });
    let mut cells = vec![own_cell];
    cells.extend(of_base);
    if let [own, base] = cells.as_mut_slice()
        && own.name == base.name
    {
        // Two of a name would leave nobody wiser.
        base.name += " (baseline)";
    }
    cells
}

/// What is better with the one or the other, and whether that is real; `None` without a baseline.
pub fn comparison(own: &Side<'_>, base: Option<&Base<'_>>) -> Option<Comparison> {
    base?;
    compare(&cells(own, base), Some(1))
}

/// The whole file. Fails only if a chart can't be drawn, which would be a bug.
pub fn html(own: &Side<'_>, base: Option<&Base<'_>>) -> Result<String, String> {
    let cells = cells(own, base);
    let name = &own.scenario.name;
    let against = cells.get(1).map_or_else(String::new, |base| format!(", against the baseline “{}” over the same seeds", base.name));
    let mut body = format!(
        "<h1>{}</h1>\n<p class=\"about\">Simulated request by request by Prescale {}{}: seed {}, {} of each scenario. \
         The same files and seed give the same report.</p>\n",
        escaped(name),
        env!("CARGO_PKG_VERSION"),
        escaped(&against),
        own.seed,
        if own.runs.len() == 1 { "one replication".to_owned() } else { format!("{} replications", own.runs.len()) },
    );
    let found = compare(&cells, Some(1));
    // Writing to a String can't fail.
    if let Some(found) = &found {
        let _ = writeln!(body, "<p class=\"sentence\">{}</p>", escaped(&found.sentence));
    }
    if base.is_some_and(|base| !own.has_workload_of(base)) {
        body += "<p class=\"warning\">The two have different workloads: what differs below is not the fleet's doing alone.</p>\n";
    }
    let _ = writeln!(body, "<h2>Figures</h2>\n{}", report::figures(&cells));
    if let Some(found) = &found {
        let _ = writeln!(body, "{}", report::differences(found, &cells));
    }
    body += &charts(own, base.and_then(Base::side), &cells)?;
    let _ = writeln!(body, "<h2>The scenario</h2>\n<pre>{}</pre>", escaped(own.text));
    match base {
        Some(Base::Run(base)) => {
            let _ = writeln!(body, "<h2>The baseline</h2>\n<pre>{}</pre>", escaped(base.text));
        }
        Some(Base::Earlier(_)) => {
            body += "<p class=\"about\">The baseline is an earlier result: it has figures, but no course over time.</p>\n"
        }
        None => {}
    }
    Ok(report::page(name, &body))
}

/// The price of every replica. Where prices differ, what a minute cost can't be told from how many replicas there were.
fn one_price(scenario: &Scenario) -> Option<f64> {
    scenario.price_per_replica_hour.filter(|_| scenario.pools.iter().all(|pool| pool.replica_hour.is_none()))
}

fn charts(own: &Side<'_>, base: Option<&Side<'_>>, cells: &[Cell]) -> Drawing {
    let sides = || [Some(own), base].into_iter().flatten();
    let courses: Vec<Vec<Stretch>> = sides().map(|side| course(&side.runs, one_price(side.scenario))).collect();
    let end_s = courses.iter().flat_map(|course| course.last()).map(|last| last.end_s).fold(0.0, f64::max);
    if courses.iter().all(|course| course.len() < 2) {
        return Ok("<p class=\"about\">No charts: a chart needs two minutes or more, and <code>timeline = true</code>.</p>\n".to_owned());
    }
    let draw = |title: &str, lines: &[Line]| lines_over_time(title, end_s, lines);
    let each = |value: &dyn Fn(&Stretch) -> Option<f64>| -> Vec<Line> {
        let line = |course: &Vec<Stretch>| course.iter().filter_map(|at| Some((at.middle_s, value(at)?))).collect();
        (0..).zip(courses.iter().map(line)).collect()
    };
    let keys = |names: &[&str]| -> String {
        let key = |(at, name): (u32, &&str)| format!("{}{}", swatch(at), escaped(name));
        format!("<p>{}</p>\n", (0..).zip(names).map(key).collect::<Vec<_>>().join(" &nbsp; "))
    };
    let mut out = "<h2>Over time</h2>\n<p class=\"about\">All replications together; a request counts where it arrived.</p>\n".to_owned();
    let levels = [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")];
    if base.is_some() {
        out += &keys(&cells.iter().map(|cell| cell.name.as_str()).collect::<Vec<_>>());
        for (q, name) in levels {
            out += &draw(&format!("Latency {name} [ms]"), &each(&|at| at.latency_ms(q)))?;
        }
    } else {
        let lines: Vec<Line> = (0..).zip(levels).map(|(at, (q, _))| (at, each(&|at| at.latency_ms(q)).remove(0).1)).collect();
        out += &draw("Latency [ms]", &lines)?;
        out += &keys(&levels.map(|(_, name)| name));
    }
    out += &draw("Offered load [requests/s]", &each(&|at| Some(at.load_rps)))?;
    out += &draw("Mean wait in the queue [ms]", &each(&|at| at.wait_ms))?;
    out += &draw("Errors [%]", &each(&|at| at.errors_percent))?;
    out += &draw("Ready replicas", &each(&|at| Some(at.ready)))?;
    let so_far =
        |course: &Vec<Stretch>| [(0.0, 0.0)].into_iter().chain(course.iter().filter_map(|at| Some((at.end_s, at.cost?)))).collect();
    let cost: Vec<Line> = (0..).zip(courses.iter().map(so_far)).filter(|(_, points): &Line| points.len() > 1).collect();
    if !cost.is_empty() {
        out += &draw("Cost so far, by the replicas at the end of each minute", &cost)?;
    }
    Ok(out)
}
