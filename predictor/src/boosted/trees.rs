//! Boosted trees as bytes, and their answer. All splits of one depth of a tree ask the same question, so that a leaf's number is its answers as
//! bits and many rows are asked at once without a branch.

use std::fmt;

use crate::recurrent::Networks;

/// First bytes of a file of models.
const MAGIC: &[u8; 4] = b"PSB2";
/// Stands in a file for no time.
const ANY_TIME: i64 = i64::MIN;
/// Questions of one tree at most.
const MAX_DEPTH: usize = 8;

/// One tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// (feature, threshold): the answer's bit is set where the feature is greater. At most 8.
    pub questions: Vec<(u8, f32)>,
    /// What is added, by the answers as bits, the first question's being the lowest.
    pub leaves: Vec<f32>,
}

/// A sum of trees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trees(pub Vec<Tree>);

impl Trees {
    /// The answer to each row; `columns` holds a row of values per feature, all of one length.
    pub(super) fn answer(&self, columns: &[Vec<f32>]) -> Vec<f32> {
        let rows = columns.first().map_or(0, Vec::len);
        let (mut sums, mut leaf) = (vec![0.0; rows], vec![0_u8; rows]);
        for tree in &self.0 {
            leaf.fill(0);
            for (bit, &(feature, threshold)) in tree.questions.iter().enumerate() {
                for (leaf, &x) in leaf.iter_mut().zip(&columns[usize::from(feature)]) {
                    *leaf |= u8::from(x > threshold) << bit;
                }
            }
            for (sum, &leaf) in sums.iter_mut().zip(&leaf) {
                *sum += tree.leaves[usize::from(leaf)];
            }
        }
        sums
    }
}

/// What was trained in advance: two sums of trees, for the next hour at the series' step and for the days after it at quarters of an hour, and
/// recurrent networks for the same. In the binary are some; a file has trees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Models {
    /// The next hour.
    pub near: Trees,
    /// All that comes later.
    pub far: Trees,
    /// The recurrent networks.
    pub networks: Networks,
    /// The newest row that the trees learnt from [epoch ms]; `None` where that doesn't matter, as for those in the binary: a backtest on older rows
    /// would only show what they know by heart.
    pub until_ms: Option<i64>,
}

/// Bytes that are no models of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidModels;

impl fmt::Display for InvalidModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these are no trained models of this version: write them with `prescale train`")
    }
}

impl std::error::Error for InvalidModels {}

impl Models {
    /// The same with other networks.
    #[must_use]
    pub fn with_networks(self, networks: Networks) -> Self {
        Self { networks, ..self }
    }

    /// The trees as a file: little endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.until_ms.unwrap_or(ANY_TIME).to_le_bytes());
        for trees in [&self.near, &self.far] {
            bytes.extend((trees.0.len() as u16).to_le_bytes());
            for tree in &trees.0 {
                bytes.push(tree.questions.len() as u8);
                for (feature, threshold) in &tree.questions {
                    bytes.push(*feature);
                    bytes.extend(threshold.to_le_bytes());
                }
                bytes.extend(tree.leaves.iter().flat_map(|leaf| leaf.to_le_bytes()));
            }
        }
        bytes
    }

    /// Trees from a file's bytes, without networks.
    ///
    /// # Errors
    /// [`InvalidModels`] for anything that [`Self::to_bytes`] didn't write, or that asks for a feature that there isn't.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidModels> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(InvalidModels)?;
        let until_ms = Some(i64::from_le_bytes(take(&mut rest)?)).filter(|&until_ms| until_ms != ANY_TIME);
        let (near, far) = (trees(&mut rest)?, trees(&mut rest)?);
        if rest.is_empty() { Ok(Self { near, far, networks: Networks::default(), until_ms }) } else { Err(InvalidModels) }
    }
}

fn trees(rest: &mut &[u8]) -> Result<Trees, InvalidModels> {
    let count = u16::from_le_bytes(take(rest)?);
    (0..count).map(|_| tree(rest)).collect::<Result<_, _>>().map(Trees)
}

fn tree(rest: &mut &[u8]) -> Result<Tree, InvalidModels> {
    let [depth] = take(rest)?;
    if usize::from(depth) > MAX_DEPTH {
        return Err(InvalidModels);
    }
    let mut questions = Vec::with_capacity(usize::from(depth));
    for _ in 0..depth {
        let [feature] = take(rest)?;
        if usize::from(feature) >= super::FEATURES {
            return Err(InvalidModels);
        }
        questions.push((feature, number(rest)?));
    }
    let leaves = (0..1_usize << depth).map(|_| number(rest)).collect::<Result<_, _>>()?;
    Ok(Tree { questions, leaves })
}

fn number(rest: &mut &[u8]) -> Result<f32, InvalidModels> {
    Some(f32::from_le_bytes(take(rest)?)).filter(|x| x.is_finite()).ok_or(InvalidModels)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], InvalidModels> {
    let (first, others) = rest.split_first_chunk().ok_or(InvalidModels)?;
    *rest = others;
    Ok(*first)
}
