//! Weighted normal equations that grow row by row, and their penalised solution.

use linfa_linalg::cholesky::SolveCInplace;
use ndarray::Array2;

use super::basis::{COLUMNS, Row};

/// Penalty as a share of a column's energy.
const PENALTY: f64 = 0.1;
/// Rows that are summed at once: each sum is read and written once for all of them.
const BATCH: usize = 16;
/// Columns that are summed at once.
const LANES: usize = 4;
/// Columns in whole lanes.
const WIDTH: usize = COLUMNS.next_multiple_of(LANES);

/// Weighted normal equations.
pub(in crate::member) struct Equations {
    /// Lower triangle, row by row.
    energy: [[f64; WIDTH]; COLUMNS],
    answer: Row,
    rows: usize,
    /// Rows that are not in the sums yet, and the same times their weights.
    waiting: [([f64; WIDTH], Row, f64); BATCH],
    waits: usize,
}

impl Default for Equations {
    fn default() -> Self {
        let nothing = ([0.0; WIDTH], [0.0; COLUMNS], 0.0);
        Self { energy: [[0.0; WIDTH]; COLUMNS], answer: [0.0; COLUMNS], rows: 0, waiting: [nothing; BATCH], waits: 0 }
    }
}

impl Equations {
    pub fn add(&mut self, row: &Row, y: f64, weight: f64) {
        let (wide, weighted, answer) = &mut self.waiting[self.waits];
        wide[..COLUMNS].copy_from_slice(row);
        *weighted = row.map(|x| weight * x);
        *answer = y;
        self.waits += 1;
        if self.waits == BATCH {
            self.sum();
        }
    }

    /// How many rows it was told.
    pub fn rows(&self) -> usize {
        self.rows + self.waits
    }

    /// Sums the rows that wait, in their order.
    fn sum(&mut self) {
        let waiting = &self.waiting[..self.waits];
        for i in 0..COLUMNS {
            for (lane, sums) in self.energy[i].as_chunks_mut::<LANES>().0.iter_mut().take(i / LANES + 1).enumerate() {
                let mut sum = *sums;
                for (row, weighted, _) in waiting {
                    let columns = &row.as_chunks::<LANES>().0[lane];
                    sum.iter_mut().zip(columns).for_each(|(sum, x)| *sum += weighted[i] * x);
                }
                *sums = sum;
            }
            self.answer[i] = waiting.iter().fold(self.answer[i], |sum, (_, weighted, y)| sum + weighted[i] * y);
        }
        self.rows += self.waits;
        self.waits = 0;
    }

    /// The sums; `None` with fewer than four rows a column.
    pub fn sums(&mut self) -> Option<Sums<'_>> {
        self.sum();
        (self.rows >= 4 * COLUMNS).then_some(Sums { energy: &self.energy, answer: &self.answer })
    }

    /// The penalised solution; `None` with too few rows.
    pub fn solve(&mut self) -> Option<Row> {
        let sums = self.sums()?;
        let largest = (0..COLUMNS).map(|i| sums.energy(i, i)).fold(0.0, f64::max);
        let mut matrix = Array2::from_shape_fn((COLUMNS, COLUMNS), |(i, j)| sums.energy(i, j));
        for i in 0..COLUMNS {
            matrix[(i, i)] = matrix[(i, i)] * (1.0 + PENALTY) + 1e-6 * largest + f64::MIN_POSITIVE;
        }
        let mut answer = Array2::from_shape_fn((COLUMNS, 1), |(i, _)| sums.answer[i]);
        matrix.solvec_inplace(&mut answer).ok()?;
        let mut model = [0.0; COLUMNS];
        for (c, solved) in model.iter_mut().zip(&answer) {
            *c = *solved;
        }
        model.iter().all(|c| c.is_finite()).then_some(model)
    }
}

/// Normal equations as they stand.
pub(in crate::member) struct Sums<'a> {
    energy: &'a [[f64; WIDTH]; COLUMNS],
    pub answer: &'a Row,
}

impl Sums<'_> {
    pub fn energy(&self, i: usize, j: usize) -> f64 {
        self.energy[i.max(j)][i.min(j)]
    }
}
