//! The mix: members judged on past origins of the same series, weighted by a sharp power of their loss.

use serde::{Deserialize, Serialize};

use crate::{
    boosted::{self, Trees},
    grid::Grid,
    member::{Averages, Coefficients, Forest, Known, Penalty, Ridge, Simple, days_ahead, naive},
    recurrent::{self, Network},
    request::Member,
};

/// Weights are the mean of two powers of the loss: one that decides, one that hedges.
const POWERS: [f64; 2] = [6.0, 14.0];

/// Losses below this [z] are alike: nobody is infinitely better on an unchanging series.
const LOSS_FLOOR: f64 = 1e-4;

/// Which past origins a blend is judged on.
pub(crate) struct Spec<'a> {
    pub members: Vec<Member>,
    /// What the trained members ask, and whether they are the next hour's.
    pub trees: &'a Trees,
    pub network: &'a Network,
    pub near: bool,
    /// Leads.
    pub horizon: usize,
    /// Bins between the newest past origin and the grid's end: less than the horizon, so that the last hours teach too. Such an origin is
    /// judged on what was seen after it.
    pub newest: usize,
    /// Bins between two past origins.
    pub every: usize,
    /// How many of them at most.
    pub count: usize,
    /// Weight of an origin against the one after it, in the members' losses.
    pub decay: f64,
}

/// A path over the leads, and the same blend's paths at past origins.
pub(crate) struct Blend {
    pub path: Vec<f64>,
    /// In the order of the spec.
    pub members: Vec<Judged>,
    /// Newest first.
    pub past: Vec<PastPath>,
    /// What the regression found at the grid's end.
    pub ridge: Option<Coefficients>,
}

/// What became of a member at past origins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub member: Member,
    /// All add up to 1.
    pub weight: f64,
    /// Relative to the best; `None` for one that can't speak now or could not be judged.
    pub loss: Option<f64>,
    /// Past origins that it was judged at.
    pub origins: usize,
}

/// What the blend would have said.
pub(crate) struct PastPath {
    /// The last bin known there.
    pub at: usize,
    pub path: Vec<f64>,
}

/// All members' predictions at one origin.
pub(crate) struct Said {
    /// The last bin known there.
    pub at: usize,
    /// Member by member; `None` if the history was too short for it.
    pub paths: Vec<Option<Vec<f64>>>,
    /// How many whole-day lags were known.
    pub lags: usize,
}

/// Mixes the members at the grid's end; `None` if the history holds no past origin, or no member can speak.
pub(crate) fn blend(grid: &Grid, spec: &Spec) -> Option<Blend> {
    let mut origins = past_origins(grid, spec);
    if origins.is_empty() {
        return None;
    }
    origins.reverse();
    origins.push(grid.len() - 1);
    let (mut said, ridge) = ask(grid, spec, &origins, None);
    let now = said.pop()?;
    said.reverse();
    let members = judge(grid, spec, &said, &now)?;
    let weights: Vec<f64> = members.iter().map(|judged| judged.weight).collect();
    let past: Vec<PastPath> = said.iter().filter_map(|said| Some(PastPath { at: said.at, path: mix(&weights, said)? })).collect();
    if past.is_empty() {
        return None;
    }
    Some(Blend { path: mix(&weights, &now)?, members, past, ridge })
}

/// The path at the grid's end, mixed with weights and by a regression that were found before; `None` if nobody can speak.
pub(crate) fn again(grid: &Grid, spec: &Spec, members: &[Judged], ridge: Option<&Coefficients>) -> Option<Vec<f64>> {
    let (said, _) = ask(grid, spec, &[grid.len().checked_sub(1)?], Some(ridge));
    let weights: Vec<f64> = members.iter().map(|judged| judged.weight).collect();
    mix(&weights, said.first()?)
}

/// Newest first: a day per day of the horizon lies before each.
fn past_origins(grid: &Grid, spec: &Spec) -> Vec<usize> {
    let need = days_ahead(grid, spec.horizon - 1) + 1;
    let newest = (grid.len() - 1).checked_sub(spec.newest.clamp(1, spec.horizon));
    let ago = (0..).map_while(|i| newest?.checked_sub(i * spec.every)).take_while(|&at| grid.days_before(at) >= need);
    ago.filter(|&at| !grid.is_left_out(at + 1, spec.horizon)).take(spec.count).collect()
}

/// What everybody says at the origins, and what the regression found at the last of them, unless that is `known`.
fn ask(grid: &Grid, spec: &Spec, origins: &[usize], known: Option<Option<&Coefficients>>) -> (Vec<Said>, Option<Coefficients>) {
    let (trees, network) = (spec.members.contains(&Member::Boosted), spec.members.contains(&Member::Lstm));
    if !trees && !network {
        return paths(grid, &spec.members, spec.horizon, origins, known);
    }
    let mut members = spec.members.clone();
    members.extend(boosted::inputs(spec.near).iter().filter(|input| !spec.members.contains(input)));
    let (mut said, ridge) = paths(grid, &members, spec.horizon, origins, known);
    if trees {
        boosted::join(spec.trees, spec.near, grid, &members, &mut said);
    }
    if network {
        recurrent::join(spec.network, spec.near, grid, &members, &mut said);
    }
    said.iter_mut().for_each(|said| said.paths.truncate(spec.members.len()));
    (said, ridge)
}

/// What the members say, but for the trained ones, which need to hear the others.
pub(crate) fn paths(
    grid: &Grid,
    members: &[Member],
    horizon: usize,
    origins: &[usize],
    known: Option<Option<&Coefficients>>,
) -> (Vec<Said>, Option<Coefficients>) {
    let simple = Simple::new(grid, horizon);
    let averages: Vec<Option<Averages>> = members.iter().map(|&member| Averages::new(member, grid, horizon)).collect();
    let ridge = members.contains(&Member::Ridge).then(|| match known {
        Some(known) => Ridge::known(grid, horizon, known),
        None => Ridge::fit(grid, horizon, origins, Penalty::Ridge),
    });
    let net = members.contains(&Member::ElasticNet).then(|| Ridge::fit(grid, horizon, origins, Penalty::ElasticNet));
    let forest = members.contains(&Member::Tree).then(|| Forest::fit(grid, horizon, origins));
    let speak = |index: usize, known: &Known, m: usize| {
        let mut path = vec![0.0; horizon];
        let spoke = match (members[m], &averages[m]) {
            (_, Some(averages)) => averages.predict(known, &mut path),
            (Member::Ridge, _) => ridge.as_ref().is_some_and(|ridge| ridge.predict(index, known, &mut path)),
            (Member::ElasticNet, _) => net.as_ref().is_some_and(|net| net.predict(index, known, &mut path)),
            (Member::Tree, _) => forest.as_ref().is_some_and(|forest| forest.predict(index, known, &mut path)),
            (member, _) => naive(member, known, &simple, &mut path),
        };
        spoke.then_some(path)
    };
    let at_origin = |(index, &at): (usize, &usize)| {
        let known = Known::at(grid, at, horizon);
        Said { at, paths: (0..members.len()).map(|m| speak(index, &known, m)).collect(), lags: known.lags }
    };
    let said = origins.iter().enumerate().map(at_origin).collect();
    (said, ridge.and_then(Ridge::last))
}

/// The members' losses at past origins, and one weight for each.
fn judge(grid: &Grid, spec: &Spec, said: &[Said], now: &Said) -> Option<Vec<Judged>> {
    let errors: Vec<Vec<Option<f64>>> =
        said.iter().map(|said| said.paths.iter().map(|path| path.as_ref().map(|path| error(grid, said.at, path))).collect()).collect();
    let losses: Vec<Option<f64>> =
        (0..spec.members.len()).map(|m| now.paths[m].as_ref().and_then(|_| loss(&errors, spec.decay, m))).collect();
    let best = losses.iter().flatten().copied().reduce(f64::min)?;
    let mut weights = vec![0.0; losses.len()];
    for power in POWERS {
        let raw: Vec<f64> = losses.iter().map(|loss| loss.map_or(0.0, |loss| libm::pow(best / loss, power))).collect();
        let total: f64 = raw.iter().sum();
        for (weight, raw) in weights.iter_mut().zip(raw) {
            *weight += raw / total / POWERS.len() as f64;
        }
    }
    let judged = |(m, weight): (usize, f64)| Judged {
        member: spec.members[m],
        weight,
        loss: losses[m].map(|loss| loss / best),
        origins: losses[m].map_or(0, |_| errors.iter().filter(|errors| errors[m].is_some()).count()),
    };
    Some(weights.into_iter().enumerate().map(judged).collect())
}

/// A member's recency-weighted mean error over the origins where it could speak, relative to that of the first member there (so that one that
/// could only speak on calm days is not preferred for it).
fn loss(errors: &[Vec<Option<f64>>], decay: f64, m: usize) -> Option<f64> {
    let (mut own, mut first, mut weight, mut total) = (0.0, 0.0, 1.0, 0.0);
    for errors in errors {
        if let (Some(error), Some(reference)) = (errors[m], errors.iter().flatten().next()) {
            own += weight * error;
            first += weight * reference;
            total += weight;
        }
        weight *= decay;
    }
    (total > 0.0).then(|| (own / total + LOSS_FLOOR) / (first / total + LOSS_FLOOR))
}

/// Mean |error| over what was seen, on a scale between linear and logarithmic: errors at high load count more than the same ratio at low load.
fn error(grid: &Grid, at: usize, path: &[f64]) -> f64 {
    let ahead = at + 1..(at + 1 + path.len()).min(grid.len());
    let counted = grid.seen[ahead.clone()].iter().filter(|seen| **seen).count();
    let sum: f64 =
        grid.z[ahead.clone()].iter().zip(&grid.importance[ahead]).zip(path).map(|((z, weight), path)| weight * (z - path).abs()).sum();
    sum / counted.max(1) as f64
}

/// The weighted mean of those who spoke; `None` if nobody did.
fn mix(weights: &[f64], said: &Said) -> Option<Vec<f64>> {
    let spoke: Vec<(f64, &Vec<f64>)> = weights.iter().zip(&said.paths).filter_map(|(&w, path)| Some((w, path.as_ref()?))).collect();
    let total: f64 = spoke.iter().map(|(w, _)| w).sum();
    let mut path = vec![0.0; spoke.first()?.1.len()];
    for (weight, member) in &spoke {
        // Members without weight elsewhere may be the only ones who spoke here.
        let share = if total > 0.0 { weight / total } else { 1.0 / spoke.len() as f64 };
        for (z, said) in path.iter_mut().zip(member.iter()) {
            *z += share * said;
        }
    }
    Some(path)
}
