//! What a model is worth when a replica that is ordered now would be ready: its loss up to the lead time, against what costs nothing.

use std::ops::ControlFlow;

use predictor::backtest::{self, BacktestError, Report, SCORED_LEVELS, Setup};
use predictor::boosted::Models;
use predictor::{Member, ModelChoice, Series};

use crate::api::dto::LeadScore;

/// A lead time holds few steps, so that more origins are needed for a figure than for a day.
const LEAST_ORIGINS: usize = 40;

/// Whether to go on.
pub(crate) type Watch<'a> = &'a (dyn Fn() -> ControlFlow<()> + Sync);

/// Persistence and the setup of one series, for each model that is held against it.
pub(crate) struct AtLead<'a> {
    series: &'a Series,
    setup: Setup,
    persistence: Report,
    models: &'a Models,
    watch: Watch<'a>,
}

impl<'a> AtLead<'a> {
    /// Looks a lead time ahead [ms], or a step where that is longer.
    pub fn new(series: &'a Series, setup: &Setup, lead_ms: i64, models: &'a Models, watch: Watch<'a>) -> Result<Self, BacktestError> {
        let setup = Setup { horizon_ms: lead_ms.max(series.step_ms()), origins: setup.origins.max(LEAST_ORIGINS), ..setup.clone() };
        let persistence = backtest::run_watched(series, &setup, ModelChoice::Named(Member::LastValue), models, watch)?;
        Ok(Self { series, setup, persistence, models, watch })
    }

    /// Skill is 1 − loss ÷ the other's loss at the same origins: 0.3 is 30 % less loss, below 0 is worse.
    pub fn score(&self, model: ModelChoice) -> Result<LeadScore, BacktestError> {
        let own = backtest::run_watched(self.series, &self.setup, model, self.models, self.watch)?;
        Ok(LeadScore {
            lead_s: self.setup.horizon_ms as f64 / 1000.0,
            loss: own.model.loss(),
            coverage: SCORED_LEVELS.into_iter().skip(1).filter_map(|level| Some((level.to_string(), own.model.coverage(level)?))).collect(),
            against_persistence: skill(own.model.loss(), self.persistence.model.loss()),
            against_seasonal_naive: skill(own.model.loss(), own.yardstick.loss()),
        })
    }
}

/// `None` where the other never erred or nothing was scored.
fn skill(own: Option<f64>, other: Option<f64>) -> Option<f64> {
    let (own, other) = (own?, other?);
    (other > 0.0).then(|| 1.0 - own / other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skill_is_the_share_of_the_others_loss_that_is_saved() {
        assert_eq!(skill(Some(3.0), Some(4.0)), Some(0.25));
        assert_eq!(skill(Some(5.0), Some(4.0)), Some(-0.25));
        assert_eq!((skill(Some(1.0), Some(0.0)), skill(None, Some(1.0))), (None, None));
    }
}
