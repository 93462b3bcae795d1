//! M/M/8 at load 0.8 and least connections over 100 and 1,000 servers in nexosim, on one thread.
//! A line each: the model, requests per CPU second (best of three), mean wait [s]. Linux only (CPU time).

mod models;

use std::error::Error;

use models::{Balancer, Clients, Fleet, Station};
use nexosim::ports::QuerySource;
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;

const SERVICE_S: f64 = 0.1;
const LOAD: f64 = 0.8;

/// CPU time of this thread [s].
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(schedstat.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9)
}

#[derive(Clone, Copy)]
enum What {
    /// One queue before so many servers.
    Station(u32),
    /// Least connections, a model each for balancer and servers.
    Models(usize),
    /// The same in one model.
    OneModel(usize),
}

/// Requests per CPU second and the mean wait [s].
fn run(seed: u64, what: What, requests: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let mut bench = SimInit::with_num_threads(1);
    let servers = match what {
        What::Station(servers) => f64::from(servers),
        What::Models(servers) | What::OneModel(servers) => servers as f64,
    };
    let mut clients = Clients::new(seed, LOAD * servers / SERVICE_S, requests);
    let mut seen = Vec::new();
    match what {
        What::Station(servers) => {
            let mbox = Mailbox::new();
            clients.requests.connect(Station::request, &mbox);
            seen.push(QuerySource::new().connect(Station::seen, &mbox).register(&mut bench));
            bench = bench.add_model(Station::new(seed + 1, servers, SERVICE_S), mbox, "station");
        }
        What::Models(servers) => {
            let (mut balancer, balancer_mbox) = (Balancer::new(servers), Mailbox::new());
            clients.requests.connect(Balancer::request, &balancer_mbox);
            for index in 0..servers {
                let (mut station, mbox) = (Station::new(seed + 1 + index as u64, 1, SERVICE_S), Mailbox::new());
                balancer.stations[index].connect(Station::request, &mbox);
                station.done.map_connect(move |()| index, Balancer::done, &balancer_mbox);
                seen.push(QuerySource::new().connect(Station::seen, &mbox).register(&mut bench));
                bench = bench.add_model(station, mbox, &format!("station {index}"));
            }
            bench = bench.add_model(balancer, balancer_mbox, "balancer");
        }
        What::OneModel(servers) => {
            let mbox = Mailbox::new();
            clients.requests.connect(Fleet::request, &mbox);
            seen.push(QuerySource::new().connect(Fleet::seen, &mbox).register(&mut bench));
            bench = bench.add_model(Fleet::new(seed + 1, servers, SERVICE_S), mbox, "fleet");
        }
    }
    let mut simulation = bench.add_model(clients, Mailbox::new(), "clients").init(MonotonicTime::EPOCH)?;
    let before = cpu_s()?;
    simulation.run()?;
    let took_s = cpu_s()? - before;
    let (mut served, mut wait_s) = (0, 0.0);
    for station in &seen {
        let seen = simulation.process_query(station, ())?;
        served += seen.served;
        wait_s += seen.wait_s;
    }
    assert_eq!(served, requests, "every request is served");
    Ok((requests as f64 / took_s, wait_s / requests as f64))
}

fn main() -> Result<(), Box<dyn Error>> {
    let runs = [
        ("mm8", What::Station(8), 2_000_000),
        ("least100", What::Models(100), 2_000_000),
        ("least100-one-model", What::OneModel(100), 2_000_000),
        ("least1000", What::Models(1_000), 1_000_000),
    ];
    for (name, what, requests) in runs {
        let (mut best, mut wait_s) = (0.0_f64, 0.0);
        for seed in 1..=3 {
            let (per_s, wait) = run(seed * 10_000, what, requests)?;
            best = best.max(per_s);
            wait_s += wait / 3.0;
        }
        println!("{name} {best:.0} {wait_s:.7}");
    }
    Ok(())
}
