//! The demo: the product on an embedded default. Only the clock, the load and the backends differ from `serve`.
//!
//! A real trace, shifted by whole weeks, gives two weeks of history; its next hours are replayed as real HTTP requests through the embedded
//! proxy to local backends, on a clock that runs faster. Domain time = start + wall × speed: history, forecast, ticks, boot delay, health
//! timers. Latency, service time and time-outs are wall time.

mod args;
pub mod backend;
mod begin;
pub mod load;
mod report;
mod stage;
mod summary;
mod timeline;
mod trace;
pub mod world;

use std::io::Write;
use std::process::Stdio;

use tokio::net::TcpListener;

pub use args::Args;
use args::{Format, Options};
use stage::Stage;

use crate::cli::{self, CliError};

/// Runs the demo until its window is over (`--exit`) or the user stops it.
///
/// # Errors
/// Bad options, a port or a data folder in use, and what the system refuses.
pub fn run(args: Args) -> Result<(), CliError> {
    let options = args.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("the runtime can't start: {error}")))?;
    runtime.block_on(play(options))
}

async fn play(options: Options) -> Result<(), CliError> {
    // Bound before anything else is touched: a port in use must not leave a data folder behind.
    let listener = TcpListener::bind(options.listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => CliError::Failed(format!(
            "address {} is already in use: stop what listens there, or choose another with --listen (port 0 takes a free one)",
            options.listen
        )),
        _ => CliError::Failed(format!("can't listen on {}: {error}", options.listen)),
    })?;
    let stage = Stage::build(&options, listener).await?;
    announce(&options, &stage);
    let ended = tokio::select! {
        ended = perform(&options, &stage) => ended,
        _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
    };
    stage.take_down().await;
    ended
}

/// The measured window, its summary, and then whatever is left of the trace.
async fn perform(options: &Options, stage: &Stage) -> Result<(), CliError> {
    if stage.resumed && !options.exit && stage.clock.now_ms() >= stage.trace.until_ms {
        // Whoever saw it has ended: nothing of it was measured since.
        eprintln!("the measured window was over before this start, and was summed up then");
        return to_the_end(stage).await;
    }
    stage.clock.sleep_until(stage.trace.until_ms).await;
    let summary = report::summarise(options, stage).await.map_err(|error| CliError::Failed(error.to_string()))?;
    let text = match options.format {
        Format::Table => summary.table(),
        // Plain numbers and texts always serialise.
        Format::Json => serde_json::to_string(&summary).unwrap_or_default() + "\n",
    };
    cli::forecast::print(&text)?;
    if options.exit {
        return Ok(());
    }
    to_the_end(stage).await
}

async fn to_the_end(stage: &Stage) -> Result<(), CliError> {
    stage.clock.sleep_until(stage.trace.end_ms()).await;
    eprintln!("the trace has ended, and with it the load; the page stays until Ctrl-C");
    std::future::pending().await
}

fn announce(options: &Options, stage: &Stage) {
    let url = format!("http://{}/", stage.address);
    let mut out = std::io::stderr().lock();
    // Nobody to tell is no reason to stop.
    let _ = writeln!(
        out,
        "{} from {} (the trace's {}), {} x as fast, load x {}\nproxy: http://{}\nweights API: http://{}\npage: {url}",
        if stage.resumed { "going on" } else { "replaying" },
        cli::show_time(stage.clock.now_ms().max(stage.trace.from_ms)),
        cli::show_time(stage.clock.now_ms().max(stage.trace.from_ms) - stage.trace.shift_ms()),
        options.speed,
        stage.trace.scale,
        stage.proxy.data_addr(),
        stage.proxy.admin_addr().map_or_else(String::new, |address| address.to_string()),
    );
    drop(out);
    if options.open && std::env::var_os("DISPLAY").is_some() {
        let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let _ = std::process::Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}
