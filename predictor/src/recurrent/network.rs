//! The network as bytes, and its answer: two layers of long short-term memory, one that reads and one that goes on, and a weighted sum.

use std::fmt;

use super::features::{AHEAD, PAST};

/// First bytes of a file of networks.
const MAGIC: &[u8; 4] = b"PSL1";
/// Cells of a layer at most.
const MAX_CELLS: usize = 256;

/// A layer of memory cells. Gates are in the order input, forget, cell, output, as candle and PyTorch have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Input by input: a weight per gate and cell (4 × cells numbers each).
    pub of_input: Vec<f32>,
    /// Cell by cell of the step before: a weight per gate and cell.
    pub of_state: Vec<f32>,
    /// Per gate and cell.
    pub bias: Vec<f32>,
}

/// Reads the last steps, and answers a number for each step ahead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Reads what was.
    pub reader: Layer,
    /// Goes on with the reader's memory.
    pub teller: Layer,
    /// What a cell's output adds to the answer.
    pub head: Vec<f32>,
    /// What is added always.
    pub offset: f32,
}

/// Outputs and memory of a layer's cells.
struct State {
    output: Vec<f32>,
    memory: Vec<f32>,
}

impl Layer {
    fn step(&self, input: &[f32], state: &mut State, gates: &mut [f32]) {
        let cells = state.output.len();
        gates.copy_from_slice(&self.bias);
        add(gates, &self.of_input, input);
        add(gates, &self.of_state, &state.output);
        let (entering, rest) = gates.split_at(cells);
        let (forgetting, rest) = rest.split_at(cells);
        let (candidates, leaving) = rest.split_at(cells);
        for i in 0..cells {
            let memory = sigmoid(forgetting[i]) * state.memory[i] + sigmoid(entering[i]) * libm::tanhf(candidates[i]);
            state.memory[i] = memory;
            state.output[i] = sigmoid(leaving[i]) * libm::tanhf(memory);
        }
    }
}

/// Adds each weight's row times its input.
fn add(sums: &mut [f32], weights: &[f32], inputs: &[f32]) {
    for (row, &x) in weights.chunks_exact(sums.len()).zip(inputs) {
        sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight * x);
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

impl Network {
    /// The answer for each step ahead; zeros of a network without cells.
    #[must_use]
    pub fn answer(&self, past: &[[f32; PAST]], ahead: &[[f32; AHEAD]]) -> Vec<f32> {
        let cells = self.head.len();
        if cells == 0 {
            return vec![0.0; ahead.len()];
        }
        let mut state = State { output: vec![0.0; cells], memory: vec![0.0; cells] };
        let mut gates = vec![0.0; 4 * cells];
        for input in past {
            self.reader.step(input, &mut state, &mut gates);
        }
        let said = ahead.iter().map(|input| {
            self.teller.step(input, &mut state, &mut gates);
            self.offset + state.output.iter().zip(&self.head).map(|(output, weight)| output * weight).sum::<f32>()
        });
        said.collect()
    }
}

/// Two networks: for the next hour, and for the days after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Networks {
    /// The next hour.
    pub near: Network,
    /// All that comes later.
    pub far: Network,
}

/// Bytes that are no networks of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidNetworks;

impl fmt::Display for InvalidNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no trained networks of this version: write them with `make train-lstm`")
    }
}

impl std::error::Error for InvalidNetworks {}

impl Networks {
    /// As a file: little endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for Network { reader, teller, head, offset } in [&self.near, &self.far] {
            bytes.extend((head.len() as u16).to_le_bytes());
            let layers = [reader, teller].into_iter().flat_map(|layer| [&layer.of_input, &layer.of_state, &layer.bias]);
            let numbers = layers.chain([head]).flatten().chain([offset]);
            bytes.extend(numbers.flat_map(|x| x.to_le_bytes()));
        }
        bytes
    }

    /// From a file's bytes.
    ///
    /// # Errors
    /// [`InvalidNetworks`] for anything that [`Self::to_bytes`] didn't write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidNetworks> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(InvalidNetworks)?;
        let (near, far) = (network(&mut rest)?, network(&mut rest)?);
        if rest.is_empty() { Ok(Self { near, far }) } else { Err(InvalidNetworks) }
    }
}

fn network(rest: &mut &[u8]) -> Result<Network, InvalidNetworks> {
    let cells = usize::from(u16::from_le_bytes(take(rest)?));
    if cells > MAX_CELLS {
        return Err(InvalidNetworks);
    }
    let (reader, teller) = (layer(rest, PAST, cells)?, layer(rest, AHEAD, cells)?);
    let head = numbers(rest, cells)?;
    let offset = numbers(rest, 1)?[0];
    Ok(Network { reader, teller, head, offset })
}

fn layer(rest: &mut &[u8], inputs: usize, cells: usize) -> Result<Layer, InvalidNetworks> {
    let gates = 4 * cells;
    Ok(Layer { of_input: numbers(rest, inputs * gates)?, of_state: numbers(rest, cells * gates)?, bias: numbers(rest, gates)? })
}

fn numbers(rest: &mut &[u8], count: usize) -> Result<Vec<f32>, InvalidNetworks> {
    let mut number = || Ok(f32::from_le_bytes(take(rest)?));
    let read: Vec<f32> = (0..count).map(|_| number()).collect::<Result<_, InvalidNetworks>>()?;
    if read.iter().all(|x| x.is_finite()) { Ok(read) } else { Err(InvalidNetworks) }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], InvalidNetworks> {
    let (first, others) = rest.split_first_chunk().ok_or(InvalidNetworks)?;
    *rest = others;
    Ok(*first)
}
