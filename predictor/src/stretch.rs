//! The two blends, each with its distribution, and how one hands over to the other.

use crate::{
    bins::{NEAR_END_MS, far_bins, near_bins},
    blend::{self, Blend, Judged, Spec},
    crowd::Crowd,
    explanation::{Explanation, JudgedMember, Mix, four_decimals},
    forecast::MemberWeight,
    frame::Frame,
    grid::{Grid, HOUR_MS},
    interval::{Reading, Sample, Spread, path_at},
    paths::Block,
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
    blend: Blend,
    /// The blend's path without a crowd.
    usual: Vec<f64>,
    spread: Spread,
    pub block: Block,
    crowd: Option<Crowd>,
}

pub(crate) fn near(series: &Series, frame: &Frame, model: ModelChoice, levels: &[f64]) -> Option<Stretch> {
    let (slots, horizon) = near_bins(series);
    let bin_ms = series.step_ms() * slots as i64;
    let spec = Spec {
        members: members(model, NEAR_MEMBERS),
        trees: &frame.models.near,
        near: true,
        horizon,
        newest: (HOUR_MS * 3 / 4 / bin_ms) as usize,
        every: (77 * 60_000 / bin_ms).max(1) as usize,
        count: 40,
        decay: 0.97,
    };
    // A model that was asked for by name answers alone.
    let reading = Reading { decay: 0.97, median: 0.25, stretch: 1.02, lead_power: 0.7, crowds: model == ModelChoice::Auto };
    stretch(series, frame.scale, slots, &spec, &reading, 18, levels)
}

pub(crate) fn far(series: &Series, frame: &Frame, model: ModelChoice, levels: &[f64]) -> Option<Stretch> {
    let (slots, horizon) = far_bins(series, frame.reach_ms());
    let bin_ms = series.step_ms() * slots as i64;
    let spec = Spec {
        members: members(model, FAR_MEMBERS),
        trees: &frame.models.far,
        near: false,
        horizon,
        newest: horizon / 4,
        every: (6 * HOUR_MS / bin_ms) as usize,
        count: 36,
        decay: 0.99,
    };
    stretch(
        series,
        frame.scale,
        slots,
        &spec,
        &Reading { decay: 0.95, median: 1.0, stretch: 1.05, lead_power: 0.3, crowds: false },
        96,
        levels,
    )
}

fn members(model: ModelChoice, all: &[Member]) -> Vec<Member> {
    match model {
        ModelChoice::Auto => all.to_vec(),
        ModelChoice::Named(member) => vec![member],
    }
}

fn stretch(series: &Series, scale: f64, slots: usize, spec: &Spec, reading: &Reading, bins: usize, levels: &[f64]) -> Option<Stretch> {
    let grid = Grid::build(series, slots, scale);
    let mut blend = blend::blend(&grid, spec)?;
    let spread = Spread::learn(series, &grid, &blend, scale, reading, levels);
    let usual = blend.path.clone();
    let crowd = if reading.crowds { Crowd::find(&grid, scale, spec.horizon, levels) } else { None };
    if let Some(crowd) = &crowd {
        let share = crowd.belief;
        blend.path.iter_mut().zip(&crowd.path).for_each(|(path, crowd)| *path += share * (crowd - *path));
    }
    let block = Block::new(series, &grid, &blend, scale, MAXIMA_DECAY, bins);
    Some(Stretch { slots, blend, usual, spread, block, crowd })
}

pub(crate) fn weights(stretch: &Stretch) -> Vec<MemberWeight> {
    let shared = |judged: &Judged| MemberWeight { name: judged.member.name().to_owned(), weight: four_decimals(judged.weight) };
    stretch.blend.members.iter().map(shared).collect()
}

/// What both blends and the crowd rest on.
pub(crate) fn explain(near: &Stretch, far: Option<&Stretch>) -> Explanation {
    let crowd = near.crowd.as_ref().map_or(0.0, |crowd| four_decimals(crowd.belief));
    Explanation { near: Some(near.mix()), far: far.map(Stretch::mix), crowd }
}

impl Stretch {
    fn mix(&self) -> Mix {
        let judged = |judged: &Judged| JudgedMember {
            name: judged.member.name().to_owned(),
            weight: four_decimals(judged.weight),
            loss: judged.loss.map(four_decimals),
            origins: judged.origins,
        };
        let Sample { count, effective } = self.spread.sample;
        Mix { members: self.blend.members.iter().map(judged).collect(), residuals: count, effective_residuals: libm::round(effective) }
    }
}

/// The near blend's step, then the far one's, mixed where the one hands over to the other.
pub(crate) fn mixed_step(near: &Stretch, far: Option<&Stretch>, step_ms: i64, i: usize, ts_ms: i64) -> (Vec<f64>, f64) {
    let lead_ms = (i as i64 + 1) * step_ms;
    let share = far.map_or(1.0, |_| ((NEAR_END_MS - lead_ms) as f64 / (NEAR_END_MS - NEAR_MS) as f64).clamp(0.0, 1.0));
    let of_near = (share > 0.0).then(|| slot_of(near, i, ts_ms, share));
    let of_far = far.filter(|_| share < 1.0).map(|far| slot_of(far, i, ts_ms, 1.0 - share));
    add(of_near, of_far)
}

/// Quantiles of z and the mean of e^z in one slot, times the share.
fn slot_of(stretch: &Stretch, i: usize, ts_ms: i64, share: f64) -> (Vec<f64>, f64) {
    let path = path_at(&stretch.usual, stretch.slots, i);
    let scale = stretch.spread.scale_at(ts_ms, i);
    let usual = stretch.spread.quantiles(path, scale);
    let growth = libm::exp(path) * stretch.spread.mean_factor(scale);
    let Some(crowd) = &stretch.crowd else { return (usual.map(|z| share * z).collect(), share * growth) };
    let lead = (i / stretch.slots).min(crowd.path.len() - 1);
    let path = path_at(&crowd.path, stretch.slots, i);
    let crowded = usual.zip(crowd.quantiles(path, lead)).enumerate();
    let mut mixed: Vec<f64> = crowded.map(|(level, (usual, crowded))| share * (usual + crowd.share(level) * (crowded - usual))).collect();
    for i in 1..mixed.len() {
        mixed[i] = mixed[i].max(mixed[i - 1]);
    }
    (mixed, share * (growth + crowd.belief * (crowd.growth(path, lead) - growth)))
}

fn add(one: Option<(Vec<f64>, f64)>, other: Option<(Vec<f64>, f64)>) -> (Vec<f64>, f64) {
    match (one, other) {
        (Some((mut z, growth)), Some((more, further))) => {
            z.iter_mut().zip(more).for_each(|(z, more)| *z += more);
            (z, growth + further)
        }
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => (Vec::new(), 1.0),
    }
}
