//! Training by candle: AdamW on the weighted absolute error.

use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{
    AdamW, LSTM, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap,
    rnn::{LSTMConfig, RNN, lstm},
};
use predictor::recurrent::{AHEAD, Layer, Network, PAST, READ, Sequences};

use crate::Failure;

/// How a network is trained.
pub struct Recipe {
    pub cells: usize,
    pub epochs: usize,
    pub batch: usize,
    /// The learning rate at first; it falls along half a cosine.
    pub rate: f64,
    pub decay: f64,
}

/// All chance: candle's own generator has no seed on a processor.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// −1 … 1.
    fn even(&mut self) -> f32 {
        self.next() as f32 / (1_u64 << 30) as f32 - 1.0
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.next() as usize % (i + 1));
        }
    }
}

/// The network as candle has it.
struct Candle {
    vars: VarMap,
    reader: LSTM,
    teller: LSTM,
    head: Linear,
}

impl Candle {
    fn new(cells: usize, sequence: &mut Sequence) -> Result<Self, Failure> {
        let vars = VarMap::new();
        let builder = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let config = LSTMConfig { b_hh_init: None, ..LSTMConfig::default() };
        let reader = lstm(PAST, cells, config, builder.pp("reader"))?;
        let teller = lstm(AHEAD, cells, config, builder.pp("teller"))?;
        let head = candle_nn::linear(cells, 1, builder.pp("head"))?;
        let made = Self { vars, reader, teller, head };
        for name in NAMES {
            let var = made.var(name)?;
            // Even within ± 1 / √cells, as PyTorch; the answer begins at nothing, and cells begin by remembering.
            let bound = if name.starts_with("head") { 0.0 } else { 1.0 / (cells as f32).sqrt() };
            let remembering = |i: usize| if name.contains("bias_ih") && i / cells == 1 { 1.0 } else { 0.0 };
            let numbers: Vec<f32> = (0..var.elem_count()).map(|i| bound * sequence.even() + remembering(i)).collect();
            var.set(&Tensor::from_vec(numbers, var.shape(), &Device::Cpu)?)?;
        }
        Ok(made)
    }

    fn var(&self, name: &str) -> Result<Var, Failure> {
        let vars = self.vars.data().lock().map_err(|_| "the variables are locked")?;
        Ok(vars.get(name).ok_or_else(|| format!("no variable {name}"))?.clone())
    }

    /// (n, READ, PAST) and (n, steps, AHEAD) to (n, steps).
    fn answer(&self, past: &Tensor, ahead: &Tensor) -> Result<Tensor, Failure> {
        let read = self.reader.seq(past)?;
        let last = read.last().ok_or("nothing was read")?;
        let told = self.teller.seq_init(ahead, last)?;
        Ok(self.head.forward(&self.teller.states_to_tensor(&told)?)?.squeeze(D::Minus1)?)
    }

    /// As predictor holds it.
    fn network(&self) -> Result<Network, Failure> {
        let numbers = |name: &str| -> Result<Vec<f32>, Failure> { Ok(self.var(name)?.flatten_all()?.to_vec1()?) };
        let turned = |name: &str| -> Result<Vec<f32>, Failure> { Ok(self.var(name)?.t()?.flatten_all()?.to_vec1()?) };
        let layer = |name: &str| -> Result<Layer, Failure> {
            let of = |what: &str| format!("{name}.{what}_l0");
            Ok(Layer { of_input: turned(&of("weight_ih"))?, of_state: turned(&of("weight_hh"))?, bias: numbers(&of("bias_ih"))? })
        };
        Ok(Network { reader: layer("reader")?, teller: layer("teller")?, head: numbers("head.weight")?, offset: numbers("head.bias")?[0] })
    }
}

const NAMES: [&str; 8] = [
    "reader.weight_ih_l0",
    "reader.weight_hh_l0",
    "reader.bias_ih_l0",
    "teller.weight_ih_l0",
    "teller.weight_hh_l0",
    "teller.bias_ih_l0",
    "head.weight",
    "head.bias",
];

/// Trains a network, and says an error if predictor's own answer isn't candle's.
pub fn train(seen: &Sequences, recipe: &Recipe) -> Result<Network, Failure> {
    let mut sequence = Sequence(1);
    let candle = Candle::new(recipe.cells, &mut sequence)?;
    let vars = NAMES.iter().map(|name| candle.var(name)).collect::<Result<Vec<_>, _>>()?;
    let mut optimizer = AdamW::new(vars, ParamsAdamW { lr: recipe.rate, weight_decay: recipe.decay, ..ParamsAdamW::default() })?;
    let mut order: Vec<usize> = (0..seen.count).collect();
    let batches = seen.count.div_ceil(recipe.batch);
    let of_all = seen.count as f64 / seen.weights.iter().map(|&w| f64::from(w)).sum::<f64>();
    for epoch in 0..recipe.epochs {
        sequence.shuffle(&mut order);
        let mut sum = 0.0;
        for (i, some) in order.chunks(recipe.batch).enumerate() {
            let done = (epoch * batches + i) as f64 / (recipe.epochs * batches) as f64;
            optimizer.set_learning_rate(recipe.rate * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0);
            let [past, ahead, targets, weights] = batch(seen, some)?;
            let errors = (candle.answer(&past, &ahead)? - targets)?.abs()?.mul(&weights)?.sum_all()?;
            let loss = (errors * (of_all / some.len() as f64))?;
            optimizer.backward_step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?) * some.len() as f64 / of_all;
        }
        let base: f64 = seen.weights.iter().zip(&seen.targets).map(|(w, t)| f64::from(w * t.abs())).sum();
        println!("  {} cells, epoch {epoch}: {:.4} of the error without", recipe.cells, sum / base);
    }
    let network = candle.network()?;
    agree(&candle, &network, seen)?;
    Ok(network)
}

fn batch(seen: &Sequences, some: &[usize]) -> Result<[Tensor; 4], Failure> {
    let tensor = |all: &[f32], each: &[usize]| -> Result<Tensor, Failure> {
        let size: usize = each.iter().product();
        let numbers: Vec<f32> = some.iter().flat_map(|&i| &all[i * size..(i + 1) * size]).copied().collect();
        let shape: Vec<usize> = std::iter::once(some.len()).chain(each.iter().copied()).collect();
        Ok(Tensor::from_vec(numbers, shape, &Device::Cpu)?)
    };
    Ok([
        tensor(&seen.past, &[READ, PAST])?,
        tensor(&seen.ahead, &[seen.steps, AHEAD])?,
        tensor(&seen.targets, &[seen.steps])?,
        tensor(&seen.weights, &[seen.steps])?,
    ])
}

/// Predictor's own answer must be candle's.
fn agree(candle: &Candle, network: &Network, seen: &Sequences) -> Result<(), Failure> {
    let some: Vec<usize> = (0..seen.count).step_by(50).collect();
    let [past, ahead, ..] = batch(seen, &some)?;
    let theirs: Vec<f32> = candle.answer(&past, &ahead)?.flatten_all()?.to_vec1()?;
    let (past, ahead) = (past.flatten_all()?.to_vec1()?, ahead.flatten_all()?.to_vec1()?);
    let (past, ahead) = (past.as_chunks::<PAST>().0, ahead.as_chunks::<AHEAD>().0);
    let ours = past.chunks(READ).zip(ahead.chunks(seen.steps)).flat_map(|(past, ahead)| network.answer(past, ahead));
    let furthest = ours.zip(&theirs).map(|(our, their)| (our - their).abs()).fold(0.0, f32::max);
    println!("  {} answers, at most {furthest:.1e} from candle's", theirs.len());
    if furthest < 1e-4 { Ok(()) } else { Err(format!("predictor's answer is {furthest} from candle's").into()) }
}

/// A small network, what it is asked, and candle's answer, as JSON.
pub fn example() -> Result<String, Failure> {
    let mut sequence = Sequence(7);
    let candle = Candle::new(3, &mut sequence)?;
    let head: Vec<f32> = (0..3).map(|_| sequence.even()).collect();
    candle.var("head.weight")?.set(&Tensor::from_vec(head, (1, 3), &Device::Cpu)?)?;
    candle.var("head.bias")?.set(&Tensor::from_vec(vec![0.25_f32], 1, &Device::Cpu)?)?;
    let steps = 5;
    let mut numbers = |count: usize| (0..count).map(|_| 3.0 * sequence.even()).collect::<Vec<f32>>();
    let (past, ahead) = (numbers(READ * PAST), numbers(steps * AHEAD));
    let answer = candle.answer(
        &Tensor::from_slice(&past, (1, READ, PAST), &Device::Cpu)?,
        &Tensor::from_slice(&ahead, (1, steps, AHEAD), &Device::Cpu)?,
    )?;
    let answer: Vec<f32> = answer.flatten_all()?.to_vec1()?;
    let Network { reader, teller, head, offset } = candle.network()?;
    let layer =
        |layer: &Layer| format!("{{\"of_input\":{:?},\n\"of_state\":{:?},\n\"bias\":{:?}}}", layer.of_input, layer.of_state, layer.bias);
    Ok(format!(
        "{{\"reader\":{},\n\"teller\":{},\n\"head\":{head:?},\"offset\":{offset:?},\n\"past\":{past:?},\n\"ahead\":{ahead:?},\n\"answer\":{answer:?}}}\n",
        layer(&reader),
        layer(&teller),
    ))
}
