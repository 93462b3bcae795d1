//! The elastic net (Zou and Hastie 2005) on what ridge regression sees: it takes columns out as well. linfa's, and it needs no more than the normal
//! equations: with G = LLᵀ the rows of Lᵀ are as good as all rows seen, because ‖y − Xw‖² and ‖L⁻¹Xᵀy − Lᵀw‖² differ by a constant. So an origin
//! costs no more than the next one.

use linfa::{Dataset, traits::Fit};
use linfa_elasticnet::ElasticNet;
use linfa_linalg::{
    cholesky::Cholesky,
    triangular::{SolveTriangular, UPLO},
};
use ndarray::{Array1, Array2};

use super::ridge::{COLUMNS, Equations, Row};

/// Penalty of the squares, as a share of a column's energy.
const SQUARES: f64 = 0.1;
/// Penalty of the absolute values, as a share of the least that would take all columns out.
const SPARSITY: f64 = 0.01;
/// Added to each column's energy of 1, so that collinear ones have a root too.
const NUDGE: f64 = 1e-6;
/// Sweeps over the columns at most.
const SWEEPS: u32 = 200;

impl Equations {
    /// The solution with columns taken out; `None` with fewer than four rows a column. Columns have the same energy there, so that one penalty is
    /// right for all.
    pub fn elastic_net(&mut self) -> Option<Row> {
        let sums = self.sums()?;
        let energy = |i: usize| sums.energy(i, i);
        let largest = (0..COLUMNS).map(energy).fold(0.0, f64::max);
        // A column of nothing but rounding errors isn't made large.
        let size: Vec<f64> = (0..COLUMNS).map(|i| (energy(i) + 1e-6 * largest + f64::MIN_POSITIVE).sqrt()).collect();
        let mut matrix = Array2::from_shape_fn((COLUMNS, COLUMNS), |(i, j)| sums.energy(i, j) / size[i] / size[j]);
        for i in 0..COLUMNS {
            matrix[(i, i)] += NUDGE;
        }
        let answer: Vec<f64> = (0..COLUMNS).map(|i| sums.answer[i] / size[i]).collect();
        let most = answer.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
        if most == 0.0 {
            return Some([0.0; COLUMNS]);
        }
        let lower = matrix.cholesky().ok()?;
        let answer = Array2::from_shape_fn((COLUMNS, 1), |(i, _)| answer[i] / most);
        let answer: Array1<f64> = lower.solve_triangular(&answer, UPLO::Lower).ok()?.column(0).to_owned();
        let penalty = (SQUARES + SPARSITY) / COLUMNS as f64;
        let net = ElasticNet::params().penalty(penalty).l1_ratio(SPARSITY / (SQUARES + SPARSITY)).with_intercept(false);
        let net = net.max_iterations(SWEEPS).fit(&Dataset::new(lower.t().to_owned(), answer)).ok()?;
        let mut model = [0.0; COLUMNS];
        for (i, c) in model.iter_mut().enumerate() {
            *c = net.hyperplane()[i] * most / size[i];
        }
        model.iter().all(|c| c.is_finite()).then_some(model)
    }
}

#[cfg(test)]
mod tests;
