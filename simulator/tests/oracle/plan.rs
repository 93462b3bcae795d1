//! How many requests each queue gets, and which rows can't reach ± 0.5 % with that. Sizes come from a pilot on another seed: 1.7 times what
//! its variance asked for.

/// One queue of the file.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub model: &'static str,
    pub params: &'static str,
    /// Counted requests over all replications together.
    pub requests: f64,
    /// Rows that would need more requests than this program may take, with the relative half-width that they are held to here.
    pub wider: &'static [(&'static str, f64)],
}

impl Plan {
    pub fn half_width(&self, quantity: &str) -> f64 {
        self.wider.iter().find(|(wide, _)| *wide == quantity).map_or(super::HALF_WIDTH, |(_, half_width)| *half_width)
    }
}

const fn plan(model: &'static str, params: &'static str, requests: f64) -> Plan {
    wide(model, params, requests, &[])
}

const fn wide(model: &'static str, params: &'static str, requests: f64, wider: &'static [(&'static str, f64)]) -> Plan {
    Plan { model, params, requests, wider }
}

const MM1: &str = "M/M/1-FIFO";
const MMC: &str = "M/M/c-FIFO";
const MMCK: &str = "M/M/c/K";
const MD1: &str = "M/D/1-FIFO";
const MG1: &str = "M/G/1-FIFO(PK)";
const PS: &str = "M/G/1-PS";
const PSC: &str = "M/G/c-PS(generalised, rate min(1,c/n))";
const LOSS: &str = "M/G/c/c(ErlangB)";
const JSQ: &str = "JSQ exact CTMC (truncated)";
const TWO: &str = "P2C w/o replacement exact CTMC (truncated)";
const TURN: &str = "RoundRobin to N FIFO exp servers (E_N/M/1)";
const ABANDON: &str = "Erlang-A(M/M/c+M)";
const FEEDBACK: &str = "M/M/1 with Bernoulli feedback retries (FIFO rejoin, geometric inf)";
const RETRIES: &str = "Retries, independent failure pf, <=R retries";
const RETRIAL: &str = "M/M/1/1 retrial queue (orbit rate nu per customer)";
const TANDEM: &str = "Tandem M/M/1 -> M/M/1";
const JACKSON: &str = "Jackson open: LB(mu=10)->2x M/M/2 (p=.5,mu=1)->DB M/M/3 (mu=.5), p_back=.2";
const POLITE: &str = "M/M/1 non-preemptive priority";
const PREEMPT: &str = "M/M/1 preemptive-resume priority";
const CLOSED: &str = "Closed M/M/1 + think (MVA)";
const RANDOM: &str = "Random to N FIFO exp servers";

/// In every `cargo test`. What is wider here is held to ± 0.5 % in [`LONG`], or listed there again.
pub const FAST: [Plan; 38] = [
    wide(ABANDON, "c=8;lambda=6.4;mu=1;theta=1", 3.0e6, &[("P_abandon", 0.02), ("P_wait", 0.01), ("Wq_mean_all", 0.02)]),
    wide(ABANDON, "c=8;lambda=12;mu=1;theta=1", 2.0e6, &[("P_abandon", 0.01), ("Wq_mean_all", 0.01)]),
    wide(ABANDON, "c=50;lambda=60;mu=1;theta=0.25", 3.0e6, &[("P_abandon", 0.02), ("Wq_mean_all", 0.02)]),
    wide(FEEDBACK, "lambda=0.5;pf=0.1;mu=1", 3.0e6, &[("L", 0.02)]),
    wide(FEEDBACK, "lambda=0.6;pf=0.3;mu=1", 3.0e6, &[("L", 0.06)]),
    wide(RETRIES, "lambda=0.5;pf=0.1;R=3", 3.0e6, &[("P_fail_final", 0.4)]),
    wide(RETRIES, "lambda=0.6;pf=0.3;R=2", 3.0e6, &[("P_fail_final", 0.03)]),
    wide(RETRIAL, "lambda=0.5;mu=1;nu=1", 2.0e6, &[("L_orbit", 0.03)]),
    wide(RETRIAL, "lambda=0.8;mu=1;nu=2", 1.0e6, &[("L_orbit", 0.1)]),
    wide(TANDEM, "lambda=0.5;mu1=1;mu2=0.8", 3.0e6, &[("T_mean", 0.02), ("T_p95", 0.03), ("T_p99", 0.05)]),
    wide(TANDEM, "lambda=0.7;mu1=1;mu2=1", 3.0e6, &[("T_mean", 0.03), ("T_p95", 0.04), ("T_p99", 0.06)]),
    wide(JACKSON, "gamma=1", 3.0e6, &[("L_total", 0.04), ("T_mean_total", 0.04)]),
    wide(POLITE, "l1=0.3;l2=0.5;mu=1", 4.0e6, &[("Wq_class1", 0.03), ("Wq_class2", 0.06)]),
    wide(PREEMPT, "l1=0.3;l2=0.5;mu=1", 2.0e6, &[("T_class1", 0.03), ("T_class2", 0.08)]),
    wide(CLOSED, "N=10;Z=5;ES=1", 4.0e6, &[("T_mean", 0.01)]),
    wide(CLOSED, "N=50;Z=40;ES=1", 4.0e6, &[("T_mean", 0.02)]),
    plan("USL", "lambda=1000;sigma=0.02;kappa=0.0005", 4.0e6),
    plan("D/M/1", "lambda=0.8;mu=1", 4.0e7),
    plan(JSQ, "N=2;rho=0.5;mu=1;FIFO exp", 8.5e6),
    plan(JSQ, "N=4;rho=0.5;mu=1;FIFO exp", 3.5e6),
    plan(TWO, "N=4;rho=0.5;mu=1;FIFO exp", 4.5e6),
    plan(MD1, "lambda=0.5;D=1", 4.5e7),
    plan(MG1, "lambda=0.5;ES=1;G=D;scv=0.0", 2.2e7),
    plan(MG1, "lambda=0.5;ES=1;G=Erlang4;scv=0.25", 2.7e7),
    plan(MG1, "lambda=0.5;ES=1;G=M;scv=1.0", 4.6e7),
    plan(MG1, "lambda=0.8;ES=1;G=D;scv=0.0", 6.7e7),
    plan(PS, "rho=0.5;ES=1;any G", 1.8e7),
    plan(PS, "rho=0.5;ES=1;job of size x=2", 7.0e6),
    plan(PSC, "c=8;rho=0.8;ES=1;any G", 1.8e7),
    plan(LOSS, "c=1;a=1;any service dist", 2.5e6),
    wide(MM1, "lambda=0.5;mu=1.0", 8.0e7, &[("T_p99.9", 0.02), ("Wq_p99.9", 0.02)]),
    wide(
        MMC,
        "c=8;lambda=6.4;mu=1",
        4.2e7,
        &[("T_p99.9", 0.01), ("Wq_mean", 0.03), ("Lq", 0.03), ("Wq_p95", 0.03), ("Wq_p99", 0.04), ("Wq_p99.9", 0.06)],
    ),
    wide(
        MMC,
        "c=32;lambda=28.8;mu=1",
        4.0e7,
        &[("T_p50", 0.02), ("Wq_mean", 0.06), ("Lq", 0.06), ("Wq_p95", 0.06), ("Wq_p99", 0.08), ("Wq_p99.9", 0.15)],
    ),
    wide(MMCK, "c=1;K=10;lambda=0.9;mu=1", 3.0e7, &[("P_block", 0.02)]),
    plan(MMCK, "c=1;K=1;lambda=0.5;mu=1", 3.5e6),
    wide(MMCK, "c=8;K=16;lambda=6.4;mu=1", 8.0e6, &[("Lq", 0.03), ("Wq_mean_accepted", 0.03), ("P_block", 0.06)]),
    wide(MMCK, "c=8;K=16;lambda=9.6;mu=1", 1.7e7, &[("P_block", 0.02)]),
    wide(RANDOM, "N=10;rho=0.8;mu=1", 2.0e7, &[("T_mean", 0.02)]),
];

/// In `make oracle`: 5 × 10^10 requests, the dearest last. Six rows stay wider, because each needs more than 10^10 requests by itself: the one
/// in 10,000 that fails four times (10^10), the 99.9 % of M/M/8 at 0.95 (latency 2 × 10^10, wait 3 × 10^10; beyond some 20 service times
/// everything hangs on a few long busy periods), the waits at 99.9 % of M/M/32 at 0.9 (10^10) and of M/M/100 at 0.95 (3 × 10^10; few
/// wait at all), and the median wait of M/M/100 at 0.95 (4 × 10^11; it is 0.0026 of a service time, at the edge of the atom of those who
/// don't wait).
pub const LONG: [Plan; 48] = [
    plan(ABANDON, "c=8;lambda=6.4;mu=1;theta=1", 6.0e7),
    plan(ABANDON, "c=8;lambda=12;mu=1;theta=1", 1.0e7),
    plan(ABANDON, "c=50;lambda=60;mu=1;theta=0.25", 8.0e7),
    plan(FEEDBACK, "lambda=0.5;pf=0.1;mu=1", 1.7e7),
    plan(FEEDBACK, "lambda=0.6;pf=0.3;mu=1", 1.8e8),
    wide(RETRIES, "lambda=0.5;pf=0.1;R=3", 5.0e7, &[("P_fail_final", 0.1)]),
    plan(RETRIES, "lambda=0.6;pf=0.3;R=2", 4.5e7),
    plan(RETRIAL, "lambda=0.5;mu=1;nu=1", 2.0e7),
    plan(RETRIAL, "lambda=0.8;mu=1;nu=2", 1.0e8),
    plan(TANDEM, "lambda=0.5;mu1=1;mu2=0.8", 9.5e7),
    plan(TANDEM, "lambda=0.7;mu1=1;mu2=1", 1.5e8),
    plan(JACKSON, "gamma=1", 5.6e7),
    plan(POLITE, "l1=0.3;l2=0.5;mu=1", 1.8e8),
    plan(PREEMPT, "l1=0.3;l2=0.5;mu=1", 1.2e8),
    plan(CLOSED, "N=10;Z=5;ES=1", 1.0e7),
    plan(CLOSED, "N=50;Z=40;ES=1", 3.6e7),
    plan(JSQ, "N=2;rho=0.8;mu=1;FIFO exp", 8.0e7),
    plan(TWO, "N=3;rho=0.8;mu=1;FIFO exp", 5.8e7),
    plan(RANDOM, "N=2;rho=0.8;mu=1", 1.3e8),
    plan(RANDOM, "N=10;rho=0.8;mu=1", 1.3e8),
    plan(RANDOM, "N=100;rho=0.8;mu=1", 1.3e8),
    plan(TURN, "N=2;rho=0.8;mu=1", 3.9e8),
    plan(TURN, "N=100;rho=0.8;mu=1", 2.4e8),
    plan(MD1, "lambda=0.9;D=1", 1.3e9),
    plan(MG1, "lambda=0.5;ES=1;G=LogNormal_sigma1;scv=1.7182818", 1.6e8),
    plan(MG1, "lambda=0.8;ES=1;G=Erlang4;scv=0.25", 1.1e8),
    plan(MG1, "lambda=0.8;ES=1;G=M;scv=1.0", 1.8e8),
    plan(MG1, "lambda=0.8;ES=1;G=LogNormal_sigma1;scv=1.7182818", 4.2e8),
    plan(MG1, "lambda=0.9;ES=1;G=D;scv=0.0", 3.2e8),
    plan(MG1, "lambda=0.9;ES=1;G=Erlang4;scv=0.25", 4.1e8),
    plan(MG1, "lambda=0.9;ES=1;G=M;scv=1.0", 6.8e8),
    plan(PS, "rho=0.8;ES=1;any G", 1.7e8),
    plan(PS, "rho=0.9;ES=1;any G", 1.2e8),
    plan(PSC, "c=4;rho=0.8;ES=1;any G", 4.5e7),
    plan(LOSS, "c=10;a=8;any service dist", 6.0e7),
    plan(LOSS, "c=100;a=110;any service dist", 1.4e8),
    plan(LOSS, "c=1000;a=1000;any service dist", 1.4e8),
    plan(MMCK, "c=1;K=10;lambda=0.9;mu=1", 1.9e8),
    plan(MMCK, "c=8;K=16;lambda=6.4;mu=1", 2.8e8),
    plan(MMCK, "c=8;K=16;lambda=9.6;mu=1", 4.3e7),
    plan(MM1, "lambda=0.5;mu=1.0", 4.0e8),
    plan(MM1, "lambda=0.8;mu=1.0", 2.0e9),
    plan(MMC, "c=2;lambda=1.6;mu=1", 1.8e9),
    plan(MMC, "c=8;lambda=6.4;mu=1", 3.1e9),
    wide(MMC, "c=32;lambda=28.8;mu=1", 3.9e9, &[("Wq_p99.9", 0.01)]),
    plan(TURN, "N=100;rho=0.95;mu=1", 4.8e9),
    wide(MMC, "c=8;lambda=7.6;mu=1", 1.3e10, &[("T_p99.9", 0.01), ("Wq_p99.9", 0.01)]),
    wide(MMC, "c=100;lambda=95.0;mu=1", 1.5e10, &[("Wq_p50", 0.05), ("Wq_p99.9", 0.01)]),
];

/// How many intervals there are in all: their joint confidence is 99 %.
pub fn checks() -> usize {
    let rows = super::rows();
    let of = |plan: &Plan| rows.iter().filter(|row| row.model == plan.model && row.params == plan.params).count();
    FAST.iter().chain(&LONG).map(of).sum()
}
