//! `scale_up` and `scale_down`: the HPA's `behavior`, in the words of [`Behaviour`].

use simulator::ScenarioError;
use simulator::scenario::Reader;

use super::table::{duration_ms, ms};
use crate::config::{Behaviour, HpaPolicy, RateKind, RatePolicy, Select};

/// Longest period of a rate policy, as Kubernetes has it: half an hour.
const PERIOD_MS_MAX: i64 = 1_800_000;

/// Reads `stabilisation_up`, `scale_up` and `scale_down`; what is absent stays as it is in `known`.
pub(super) fn read(reader: &mut Reader, known: HpaPolicy) -> Result<HpaPolicy, ScenarioError> {
    Ok(HpaPolicy {
        stabilisation_up_ms: duration_ms(reader, "stabilisation_up", known.stabilisation_up_ms)?,
        scale_up: direction(reader, "scale_up", known.scale_up)?,
        scale_down: direction(reader, "scale_down", known.scale_down)?,
        ..known
    })
}

fn direction(reader: &mut Reader, key: &'static str, known: Behaviour) -> Result<Behaviour, ScenarioError> {
    const SELECT: &str = "\"max\", \"min\", \"disabled\"";
    let Some(mut table) = reader.table(key)? else { return Ok(known) };
    table.only(&["select", "policies"])?;
    let select = match table.string("select", SELECT)?.unwrap_or("max") {
        "max" => Select::Max,
        "min" => Select::Min,
        "disabled" => Select::Disabled,
        _ => return Err(table.error("select", SELECT)),
    };
    let policies = table.tables("policies")?.into_iter().map(rate).collect::<Result<Vec<_>, _>>()?;
    table.finish()?;
    // As in Kubernetes, a direction without policies of its own has the default ones.
    Ok(Behaviour { policies: if policies.is_empty() { known.policies } else { policies }, select })
}

fn rate(mut table: Reader) -> Result<RatePolicy, ScenarioError> {
    const KIND: &str = "\"pods\" or \"percent\"";
    const PERIOD: &str = "a duration from 1ms to 30m";
    table.only(&["kind", "value", "period"])?;
    let kind = table.string("kind", KIND)?;
    let kind = match table.required(kind, "kind", KIND)? {
        "pods" => RateKind::Pods,
        "percent" => RateKind::Percent,
        _ => return Err(table.error("kind", KIND)),
    };
    let value = table.integer("value", 1, u64::from(u32::MAX))?;
    let value = table.required(value, "value", "a whole number from 1 on")? as u32;
    let period_ms = table.duration("period")?.map(ms).filter(|period| (1..=PERIOD_MS_MAX).contains(period));
    let period_ms = period_ms.ok_or_else(|| table.error("period", PERIOD))?;
    table.finish()?;
    Ok(RatePolicy { kind, value, period_ms })
}
