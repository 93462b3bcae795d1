//! The calendar member: an average of whole-day lags, those of the same kind of day counting more, each moved by the level's change since then,
//! and the whole moved to the last hour's level, which fades.
//!
//! f = Σ w_k (A_k + γ_k D_k) + [m1 − Σ w̄_k (L_k + γ_k D_k)] · e^(−lead/τ), with γ_k = g · e^(−k/κ) and
//! w_k ∝ a^k · (b if the weekend class differs) · (c if the same weekday).

use super::{Known, MAX_LAGS, naive::mean_known};
use crate::{grid::Grid, request::Member};

/// The parameters of one calendar member.
#[derive(Clone, Copy)]
pub(crate) struct Params {
    /// How much a day less counts than the one after it.
    a: f64,
    /// How much a day of the other weekend class counts.
    b: f64,
    /// How much the same weekday counts.
    c: f64,
    /// Share of the level's change that is believed.
    g: f64,
    /// Days over which that belief fades.
    kappa: f64,
    /// Hours over which the last hour's level fades.
    tau: f64,
    /// Half-width of the smoothing [min]; 0 keeps the lags as they are.
    half_min: i64,
}

const STD: Params = Params { a: 0.9, b: 0.25, c: 2.0, g: 0.7, kappa: 10.0, tau: 4.0, half_min: 0 };
const DOW: Params = Params { a: 0.97, b: 0.05, c: 20.0, g: 1.0, kappa: f64::INFINITY, tau: 6.0, half_min: 0 };
const SLOW: Params = Params { a: 0.98, b: 0.15, c: 3.0, g: 0.8, kappa: 30.0, tau: 3.0, half_min: 0 };

/// Half-width of the members' smoothing at a horizon of a day: 7 points at 15 min, 3 at 30 min.
const HALF_MIN: i64 = 45;

fn params(member: Member) -> Option<Params> {
    Some(match member {
        Member::Calendar => STD,
        Member::CalendarSmooth => Params { half_min: HALF_MIN, ..STD },
        Member::CalendarWeekday => DOW,
        Member::CalendarWeekdaySmooth => Params { half_min: HALF_MIN, ..DOW },
        Member::CalendarSlow => SLOW,
        Member::CalendarSlowSmooth => Params { half_min: HALF_MIN, ..SLOW },
        Member::CalendarLevel => Params { half_min: 15, tau: 12.0, ..STD },
        Member::CalendarNear => Params { half_min: 7, ..STD },
        _ => return None,
    })
}

/// One calendar member on one grid, with what doesn't depend on the origin.
pub(crate) struct Averages {
    params: Params,
    half: usize,
    /// a^k · (c if same weekday), index k − 1.
    ages: Vec<f64>,
    /// γ_k, index k − 1.
    beliefs: Vec<f64>,
    /// e^(−lead/τ) per lead.
    fade: Vec<f64>,
    /// The grid's (smoothed) bins.
    lags: Vec<f64>,
}

impl Averages {
    /// `None` if the member is no calendar member.
    pub fn new(member: Member, grid: &Grid, horizon: usize) -> Option<Self> {
        let params = params(member)?;
        let half = (params.half_min * 60_000 / grid.bin_ms) as usize;
        let most = MAX_LAGS + horizon / grid.lag(1) + 1;
        let ages = (1..=most).map(|k| libm::pow(params.a, k as f64) * if k % 7 == 0 { params.c } else { 1.0 }).collect();
        let beliefs = (1..=most).map(|k| params.g * libm::exp(-(k as f64) / params.kappa)).collect();
        let fade = (1..=horizon).map(|h| libm::exp(-grid.lead_hours(h) / params.tau)).collect();
        let lags = if half == 0 { grid.z.clone() } else { grid.smoothed(half) };
        Some(Self { params, half, ages, beliefs, fade, lags })
    }

    /// Predicts all leads; false without a single known lag for each of them.
    pub fn predict(&self, known: &Known, out: &mut [f64]) -> bool {
        out.fill(0.0);
        let mut level_then = 0.0;
        for segment in &known.segments {
            let Some((weights, moved)) = self.weights(known, segment.weekday, segment.ahead) else { return false };
            let stretch = &mut out[segment.from..segment.to];
            stretch.fill(moved);
            let mut then = moved;
            for (k, &weight) in (segment.ahead + 1..).zip(&weights) {
                let first = known.lagged(segment.from, k);
                self.add(known, first, weight, stretch);
                then += weight * known.hour_ago[k - 1];
            }
            level_then += then * stretch.len() as f64;
        }
        let passing = known.hour - level_then / out.len() as f64;
        for (z, fade) in out.iter_mut().zip(&self.fade) {
            *z += passing * fade;
        }
        true
    }

    /// Adds the weighted lag to the leads of a segment.
    fn add(&self, known: &Known, first: usize, weight: f64, out: &mut [f64]) {
        let whole = (known.at + 1).saturating_sub(self.half).saturating_sub(first).min(out.len());
        for (z, lag) in out[..whole].iter_mut().zip(&self.lags[first..]) {
            *z += weight * lag;
        }
        for (i, z) in out.iter_mut().enumerate().skip(whole) {
            *z += weight * mean_known(known, first + i, self.half);
        }
    }

    /// w_k from the first known lag on (adding up to 1), and Σ w_k γ_k D_k.
    fn weights(&self, known: &Known, weekday: u8, ahead: usize) -> Option<(Vec<f64>, f64)> {
        let kind = |day: i64| day.rem_euclid(7) >= 5;
        let target = kind(i64::from(weekday));
        let mut weights: Vec<f64> = (ahead + 1..=known.lags.min(ahead + MAX_LAGS))
            .map(|k| self.ages[k - 1] * if kind(i64::from(weekday) - k as i64) == target { 1.0 } else { self.params.b })
            .collect();
        let total: f64 = weights.iter().sum();
        if weights.is_empty() {
            return None;
        }
        for weight in &mut weights {
            *weight /= total;
        }
        let moved = (ahead..).zip(&weights).map(|(i, weight)| weight * self.beliefs[i] * known.change[i]).sum();
        Some((weights, moved))
    }
}
