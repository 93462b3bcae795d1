//! The two blends, each with its distribution, and how one hands over to the other.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::{
    bins::{NEAR_END_MS, are_low_counts, far_bins, near_bins},
    blend::{self, Judged, Spec},
    crowd::Crowd,
    explanation::{Explanation, JudgedMember, Mix, four_decimals},
    forecast::MemberWeight,
    frame::Frame,
    grid::{Grid, HOUR_MS},
    holiday::Effects,
    interval::{Reading, Sample, Spread, path_at},
    member::Coefficients,
    normal,
    paths::{self, Block, Past},
    request::{Member, ModelChoice},
    series::Series,
};

/// The near blend speaks alone up to here, and hands over until its end.
pub(crate) const NEAR_MS: i64 = HOUR_MS;
/// Weight of a past origin's maxima against those of the one after it.
const MAXIMA_DECAY: f64 = 0.97;

const NEAR_MEMBERS: &[Member] = &[
    Member::SeasonalNaiveDay,
    Member::SeasonalNaiveWeek,
    Member::SeasonalNaiveDayLevel,
    Member::SeasonalNaiveWeekLevel,
    Member::CalendarNear,
    Member::Ridge,
    Member::LastValue,
];

/// What the wide mix has besides: they cost more than they gain where a forecast must take milliseconds.
const WIDE_MEMBERS: &[Member] = &[Member::ElasticNet, Member::Tree, Member::Lstm];

const FAR_MEMBERS: &[Member] = &[
    Member::SeasonalNaiveDay,
    Member::SeasonalNaiveWeek,
    Member::SeasonalNaiveDayLevel,
    Member::SeasonalNaiveWeekLevel,
    Member::Calendar,
    Member::CalendarSmooth,
    Member::CalendarWeekday,
    Member::CalendarWeekdaySmooth,
    Member::CalendarSlow,
    Member::CalendarSlowSmooth,
    Member::CalendarLevel,
    Member::Ridge,
    Member::Boosted,
];

/// One blend with its distribution.
pub(crate) struct Stretch {
    slots: usize,
    learnt: Learnt,
    /// The blend's path without a crowd.
    usual: Vec<f64>,
    pub block: Block,
    crowd: Option<Crowd>,
    /// The last scale and its mean factor: neighbouring steps share them.
    factor: Cell<(f64, f64)>,
    /// The levels as quantiles of a standard normal distribution.
    normal: Vec<f64>,
}

/// What past origins taught a blend. It speaks for later origins too, until it is learnt anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Learnt {
    members: Vec<Judged>,
    ridge: Option<Coefficients>,
    spread: Spread,
    past: Vec<Past>,
}

/// What a blend is asked and how it is read.
pub(crate) struct Plan<'a> {
    slots: usize,
    spec: Spec<'a>,
    reading: Reading,
    /// Bins of the windows whose maximum is told.
    bins: usize,
}

/// The plan of the next hour.
pub(crate) fn near<'a>(series: &Series, frame: &Frame<'a>, model: ModelChoice) -> Plan<'a> {
    let (slots, horizon) = near_bins(series);
    let bin_ms = series.step_ms() * slots as i64;
    let spec = Spec {
        members: members(model, NEAR_MEMBERS),
        trees: &frame.models.near,
        network: &frame.models.networks.near,
        near: true,
        horizon,
        newest: (HOUR_MS * 3 / 4 / bin_ms) as usize,
        every: (77 * 60_000 / bin_ms).max(1) as usize,
        count: 40,
        decay: 0.97,
    };
    // A model that was asked for by name answers alone.
    // Errors of a handful of requests a step are skewed: their median is far from zero, and quantiles that don't move with it are too low.
    let tails = if are_low_counts(series, frame.median) { 1.0 } else { 0.25 };
    let reading = Reading { decay: 0.97, median: 0.25, tails, stretch: 1.02, lead_power: 0.7, crowds: model.is_mix() };
    Plan { slots, spec, reading, bins: 18 }
}

/// The plan of the whole horizon.
pub(crate) fn far<'a>(series: &Series, frame: &Frame<'a>, model: ModelChoice) -> Plan<'a> {
    let (slots, horizon) = far_bins(series, frame.reach_ms());
    let bin_ms = series.step_ms() * slots as i64;
    let spec = Spec {
        members: members(model, FAR_MEMBERS),
        trees: &frame.models.far,
        network: &frame.models.networks.far,
        near: false,
        horizon,
        newest: horizon / 4,
        every: (6 * HOUR_MS / bin_ms) as usize,
        count: 36,
        decay: 0.99,
    };
    Plan { slots, spec, reading: Reading { decay: 0.95, median: 1.0, tails: 1.0, stretch: 1.05, lead_power: 0.3, crowds: false }, bins: 96 }
}

fn members(model: ModelChoice, all: &[Member]) -> Vec<Member> {
    match model {
        ModelChoice::Auto => all.to_vec(),
        ModelChoice::AutoWide => [all, WIDE_MEMBERS].concat(),
        ModelChoice::Named(member) => vec![member],
    }
}

impl Plan<'_> {
    /// Learns from the past and speaks at the series' end; `None` if the history is too short to judge the members.
    pub fn learn(&self, series: &Series, frame: &Frame, levels: &[f64]) -> Option<Stretch> {
        let scale = frame.scale;
        let without_holidays = frame.effects.left_out(series);
        let judged = without_holidays.as_ref().unwrap_or(series);
        let grid = self.grid(series, frame, without_holidays.is_some());
        let blend = blend::blend(&grid, &self.spec)?;
        let spread = Spread::learn(judged, &grid, &blend, scale, &self.reading, levels);
        let past = paths::past(judged, &grid, &blend, scale, MAXIMA_DECAY, self.bins);
        let learnt = Learnt { members: blend.members, ridge: blend.ridge, spread, past };
        Some(self.stretch(&grid, frame, levels, learnt, blend.path))
    }

    /// Speaks at the series' end with what was learnt before; `None` if that doesn't suit this plan, or nobody can speak.
    pub fn again(&self, series: &Series, frame: &Frame, levels: &[f64], learnt: &Learnt) -> Option<Stretch> {
        let alike = learnt.members.iter().map(|judged| judged.member).eq(self.spec.members.iter().copied());
        let bins = self.spec.horizon.div_ceil(paths::joined(self.spec.horizon, self.bins));
        let sound = learnt.spread.is_sound(levels.len(), self.spec.horizon * self.slots) && learnt.past.iter().all(|past| past.is_of(bins));
        let numbers = learnt.members.iter().map(|judged| judged.weight).chain(learnt.ridge.iter().flatten().copied());
        // Of the regressions only the ridge is kept.
        let refitted = [Member::ElasticNet, Member::Tree].iter().any(|member| self.spec.members.contains(member));
        if !alike || !sound || refitted || numbers.into_iter().any(|number| !number.is_finite()) {
            return None;
        }
        let grid = self.grid(series, frame, frame.effects.left_out(series).is_some());
        let path = blend::again(&grid, &self.spec, &learnt.members, learnt.ridge.as_ref())?;
        Some(self.stretch(&grid, frame, levels, learnt.clone(), path))
    }

    /// The series in bins, its holidays left out of what is judged.
    fn grid(&self, series: &Series, frame: &Frame, leave_out: bool) -> Grid {
        let mut grid = Grid::build(series, self.slots, frame.scale);
        if leave_out {
            grid.leave_out(|middle_ms| frame.effects.holds(middle_ms));
        }
        grid
    }

    fn stretch(&self, grid: &Grid, frame: &Frame, levels: &[f64], learnt: Learnt, mut usual: Vec<f64>) -> Stretch {
        let mut crowd = if self.reading.crowds { Crowd::find(grid, frame.scale, self.spec.horizon, levels) } else { None };
        let mut path = usual.clone();
        if let Some(crowd) = &crowd {
            let share = crowd.belief;
            path.iter_mut().zip(&crowd.path).for_each(|(path, crowd)| *path += share * (crowd - *path));
        }
        for path in [&mut path, &mut usual].into_iter().chain(crowd.as_mut().map(|crowd| &mut crowd.path)) {
            frame.effects.put_on(path, |h| grid.middle_ms(grid.len() + h));
        }
        let normal = levels.iter().map(|&level| normal::quantile(level)).collect();
        let block = Block::new(grid, &path, learnt.past.clone(), self.bins);
        Stretch { slots: self.slots, learnt, usual, block, crowd, factor: Cell::new((0.0, 1.0)), normal }
    }
}

pub(crate) fn weights(stretch: &Stretch) -> Vec<MemberWeight> {
    let shared = |judged: &Judged| MemberWeight { name: judged.member.name().to_owned(), weight: four_decimals(judged.weight) };
    stretch.learnt.members.iter().map(shared).collect()
}

/// What both blends and the crowd rest on.
pub(crate) fn explain(near: &Stretch, far: Option<&Stretch>, effects: &Effects) -> Explanation {
    let crowd = near.crowd.as_ref().map_or(0.0, |crowd| four_decimals(crowd.belief));
    Explanation { near: Some(near.mix()), far: far.map(Stretch::mix), crowd, record: Vec::new(), holidays: effects.told() }
}

impl Stretch {
    /// What later origins need.
    pub fn into_learnt(self) -> Learnt {
        self.learnt
    }

    fn mean_factor(&self, scale: f64) -> f64 {
        if self.factor.get().0 != scale {
            self.factor.set((scale, self.learnt.spread.mean_factor(scale)));
        }
        self.factor.get().1
    }

    fn mix(&self) -> Mix {
        let judged = |judged: &Judged| JudgedMember {
            name: judged.member.name().to_owned(),
            weight: four_decimals(judged.weight),
            loss: judged.loss.map(four_decimals),
            origins: judged.origins,
        };
        let Sample { count, effective } = self.learnt.spread.sample;
        Mix { members: self.learnt.members.iter().map(judged).collect(), residuals: count, effective_residuals: libm::round(effective) }
    }
}

/// The near blend's step, then the far one's, mixed where the one hands over to the other: adds the quantiles of z to zeros, and answers the mean
/// of e^z. The step has a place from 0, and ends at a time [epoch ms].
pub(crate) fn mixed_step(near: &Stretch, far: Option<&Stretch>, frame: &Frame, (i, ts_ms): (usize, i64), out: &mut [f64]) -> f64 {
    let lead_ms = (i as i64 + 1) * frame.step_ms;
    // The step ends then.
    let unsure = frame.effects.at(ts_ms - frame.step_ms / 2).1;
    let share = far.map_or(1.0, |_| ((NEAR_END_MS - lead_ms) as f64 / (NEAR_END_MS - NEAR_MS) as f64).clamp(0.0, 1.0));
    let mut add = |stretch: &Stretch, share: f64| if share > 0.0 { slot_of(stretch, (i, ts_ms), unsure, share, out) } else { 0.0 };
    add(near, share) + far.map_or(0.0, |far| add(far, 1.0 - share))
}

/// Adds the quantiles of z in one slot, times the share, and answers the mean of e^z times it.
fn slot_of(stretch: &Stretch, (i, ts_ms): (usize, i64), unsure: f64, share: f64, out: &mut [f64]) -> f64 {
    let path = path_at(&stretch.usual, stretch.slots, i);
    let scale = stretch.learnt.spread.scale_at(ts_ms, i);
    let usual = stretch.learnt.spread.quantiles(path, scale).zip(&stretch.normal);
    let usual = usual.map(|(z, normal)| widened(z, path, unsure * normal));
    let growth = libm::exp(path + unsure * unsure / 2.0) * stretch.mean_factor(scale);
    let Some(crowd) = &stretch.crowd else {
        out.iter_mut().zip(usual).for_each(|(out, z)| *out += share * z);
        return share * growth;
    };
    let lead = (i / stretch.slots).min(crowd.path.len() - 1);
    let path = path_at(&crowd.path, stretch.slots, i);
    let crowded = usual.zip(crowd.quantiles(path, lead)).enumerate();
    let mut highest = f64::NEG_INFINITY;
    for (out, (level, (usual, crowded))) in out.iter_mut().zip(crowded) {
        highest = highest.max(share * (usual + crowd.share(level) * (crowded - usual)));
        *out += highest;
    }
    share * (growth + crowd.belief * (crowd.growth(path, lead) - growth))
}

/// A quantile with an independent error on it, whose own is `error` away from the middle.
fn widened(z: f64, path: f64, error: f64) -> f64 {
    if error == 0.0 {
        return z;
    }
    let own = z - path;
    z + (libm::hypot(own, error) - own.abs()).copysign(error)
}
