//! The checks of one service.

use super::{check_url, duration, events};
use crate::act::kubernetes::Target;
use crate::config::file::{Act, Capacity, Kubernetes, Mode, Proxy, Rails, Service, Timing, Webhook};
use crate::config::problem::{KeyPath, Problem};
use crate::config::value::Span;

/// What a service needs to know of the rest of the file.
pub struct Context {
    /// `prometheus.step`, if that could be read.
    pub step: Option<Span>,
    /// There is no `[prometheus]` at all.
    pub no_prometheus: bool,
}

pub fn check(service: &Service, context: &Context, path: &KeyPath, problems: &mut Vec<Problem>) {
    let name_is_fine = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if !service.name.chars().all(name_is_fine) || service.name.starts_with('.') {
        let allowed = "letters, digits, -, _ and ., the first not a dot";
        problems.push(Problem::value(path.key("name"), format!("{:?}", service.name), allowed));
    }
    if planner::calendar::zone(&service.time_zone).is_none() {
        let allowed = "a name of the IANA time zone database, such as Europe/Berlin or UTC";
        problems.push(Problem::value(path.key("time_zone"), format!("{:?}", service.time_zone), allowed));
    }
    check_queries(service, context, path, problems);
    check_capacity(service, path, problems);
    check_mode(service, path, problems);
    if let Some(rails) = &service.rails {
        check_rails(rails, &path.key("rails"), problems);
    }
    events::check(service, path, problems);
    duration(service.lead_time, 0, path.key("lead_time"), problems);
    check_timing(&service.timing, context, service.load.is_some(), &path.key("timing"), problems);
    match &service.act {
        Some(Act::Kubernetes(kubernetes)) => check_kubernetes(kubernetes, &path.key("act"), problems),
        Some(Act::Webhook(webhook)) => check_webhook(webhook, &path.key("act"), problems),
        Some(Act::Gauge) | None => {}
    }
    if let Some(proxy) = &service.proxy {
        check_proxy(proxy, service, &path.key("proxy"), problems);
    }
}

fn check_queries(service: &Service, context: &Context, path: &KeyPath, problems: &mut Vec<Problem>) {
    let beside = [
        ("latency", &service.latency),
        ("errors", &service.errors),
        ("shed", &service.shed),
        ("fresh", &service.fresh),
        ("replicas", &service.replicas),
    ];
    if service.load.is_none() {
        if service.proxy.is_none() {
            let wanted = "a PromQL query for the requests per second, or a [services.proxy], whose counters are the load then";
            problems.push(Problem::missing(path.key("load"), wanted).because([path.key("proxy")]));
        }
        for (key, _) in beside.iter().filter(|(_, query)| query.is_some()) {
            let allowed = "only together with load: without it everything is read from the proxy's counters";
            problems.push(Problem::value(path.key(key), "a query", allowed).because([path.key("load")]));
        }
    } else if context.no_prometheus {
        let wanted = format!("{} is a query, and nobody is there to be asked; such as url = \"http://127.0.0.1:9090\"", path.key("load"));
        problems.push(Problem::missing(KeyPath::default().key("prometheus"), wanted));
    }
}

fn check_capacity(service: &Service, path: &KeyPath, problems: &mut Vec<Problem>) {
    let Some(capacity) = &service.capacity else { return };
    for (key, present) in [("slo", service.slo.is_some()), ("rails", service.rails.is_some())] {
        if !present {
            let example = if key == "slo" {
                "{ latency_ms = 500, percentile = 99 }"
            } else {
                "{ min = 2, max = 20 }, the fewest and the most replicas"
            };
            problems.push(Problem::missing(path.key(key), format!("with a capacity it has to be said, such as {key} = {example}")));
        }
    }
    let path = path.key("capacity");
    match capacity {
        Capacity { rps_per_replica: Some(_), concurrency: None, service_time_ms: None, queue: None, algorithm: None } => {}
        Capacity { rps_per_replica: Some(_), .. } => {
            let allowed = "either rps_per_replica alone, or concurrency and service_time_ms (with queue and algorithm)";
            problems.push(Problem::value(path, "both kinds", allowed));
        }
        Capacity { concurrency: Some(_), service_time_ms: Some(_), .. } => {}
        Capacity { concurrency: None, service_time_ms: None, .. } => {
            let wanted = "what one replica holds, or concurrency and service_time_ms";
            problems.push(Problem::missing(path.key("rps_per_replica"), wanted).because([path]));
        }
        Capacity { concurrency, .. } => {
            let (given, wanted) =
                if concurrency.is_some() { ("concurrency", "service_time_ms") } else { ("service_time_ms", "concurrency") };
            let why = format!("{given} alone doesn't say what a replica holds");
            problems.push(Problem::missing(path.key(wanted), why).because([path]));
        }
    }
}

/// What more than observing needs: to know how many replicas there are and what one holds; to act, somebody who is told.
fn check_mode(service: &Service, path: &KeyPath, problems: &mut Vec<Problem>) {
    if service.mode == Mode::Observe {
        return;
    }
    let mode = format!("{:?}", service.mode).to_lowercase();
    if service.capacity.is_none() {
        let allowed = "observe, as long as no capacity is given: nobody knows how many replicas are needed";
        problems.push(Problem::value(path.key("mode"), format!("{mode:?}"), allowed).because([path.key("capacity")]));
    }
    let sees_the_fleet = match &service.act {
        Some(Act::Kubernetes(_)) => true,
        Some(Act::Webhook(webhook)) => webhook.status_url.is_some(),
        Some(Act::Gauge) | None => false,
    };
    if service.replicas.is_none() && !sees_the_fleet {
        let wanted = format!("mode {mode} needs to know how many replicas there are: a PromQL query, or act.kind = \"kubernetes\"");
        problems.push(Problem::missing(path.key("replicas"), wanted).because([path.key("mode"), path.key("act")]));
    }
    if service.act.is_none() && service.mode > Mode::Recommend {
        let wanted = format!("mode {mode} needs somebody who is told: act.kind = \"kubernetes\", \"webhook\" or \"gauge\"");
        problems.push(Problem::missing(path.key("act"), wanted).because([path.key("mode")]));
    }
}

fn check_rails(rails: &Rails, path: &KeyPath, problems: &mut Vec<Problem>) {
    if rails.min > rails.max {
        problems.push(Problem::value(path.key("min"), rails.min, format!("at most rails.max = {}", rails.max)).because([path.key("max")]));
    }
    duration(rails.stabilisation, 0, path.key("stabilisation"), problems);
    duration(rails.cool_down, 0, path.key("cool_down"), problems);
}

fn check_timing(timing: &Timing, context: &Context, reads_prometheus: bool, path: &KeyPath, problems: &mut Vec<Problem>) {
    duration(timing.tick, 1_000, path.key("tick"), problems);
    duration(timing.read_every, 1_000, path.key("read_every"), problems);
    duration(timing.forecast_every, 1_000, path.key("forecast_every"), problems);
    duration(timing.forecast_update, 1_000, path.key("forecast_update"), problems);
    duration(timing.approval_ttl, 1_000, path.key("approval_ttl"), problems);
    duration(timing.drain, 0, path.key("drain"), problems);
    duration(timing.ramp, 0, path.key("ramp"), problems);
    if timing.forecast_max_age < timing.forecast_every {
        let allowed = format!("at least forecast_every = {}", timing.forecast_every);
        let problem = Problem::value(path.key("forecast_max_age"), timing.forecast_max_age, allowed);
        problems.push(problem.because([path.key("forecast_every")]));
    }
    // Samples come once a step, and the newest of them may be a step old: what is younger than two steps can't be called stale.
    let steps = context.step.filter(|_| reads_prometheus).map_or(0, |step| 2 * step.ms());
    let least = Span(steps.max(timing.tick.ms()));
    if timing.stale_after < least {
        let allowed = format!("at least {least}: a tick, and two steps of prometheus.step");
        let step = KeyPath::default().key("prometheus.step");
        problems.push(Problem::value(path.key("stale_after"), timing.stale_after, allowed).because([path.key("tick"), step]));
    }
}

fn check_kubernetes(kubernetes: &Kubernetes, path: &KeyPath, problems: &mut Vec<Problem>) {
    if kubernetes.target.parse::<Target>().is_err() {
        let allowed = "deployment/NAME, statefulset/NAME, replicaset/NAME, or GROUP/VERSION/PLURAL/NAME for a custom resource with a scale \
                       subresource";
        problems.push(Problem::value(path.key("target"), format!("{:?}", kubernetes.target), allowed));
    }
    duration(kubernetes.timeout, 1, path.key("timeout"), problems);
}

fn check_webhook(webhook: &Webhook, path: &KeyPath, problems: &mut Vec<Problem>) {
    let instead =
        "the address alone: orders are signed with the key in secret_file; what else is secret goes into the path or the query as ${NAME}";
    let urls = [("url", Some(&webhook.url)), ("status_url", webhook.status_url.as_ref())];
    for (key, url) in urls.into_iter().filter_map(|(key, url)| Some((key, url?))) {
        check_url(url, webhook.allow_link_local, instead, path.key(key), problems);
    }
    if webhook.secret.is_none() && webhook.secret_file.is_none() {
        let wanted = "orders are signed: a file with the key, or secret = \"${NAME}\"";
        problems.push(Problem::missing(path.key("secret_file"), wanted).because([path.key("secret")]));
    }
    if !(100..=25_000).contains(&webhook.timeout.ms()) {
        problems.push(Problem::value(path.key("timeout"), webhook.timeout, "100ms to 25s"));
    }
}

fn check_proxy(proxy: &Proxy, service: &Service, path: &KeyPath, problems: &mut Vec<Problem>) {
    let pods_are_found = matches!(&service.act, Some(Act::Kubernetes(kubernetes)) if kubernetes.port.is_some());
    match &proxy.backends {
        None if !pods_are_found => {
            let wanted =
                "where the requests go, such as backends = [\"10.0.0.1:8080\"]; or act.kind = \"kubernetes\" with the port of its pods";
            // Wherever `act` is, it is beside the proxy.
            problems.push(Problem::missing(path.key("backends"), wanted).because([path.section().key("act")]));
        }
        None => {}
        Some(backends) => {
            let mut seen = std::collections::BTreeSet::new();
            for (at, backend) in backends.iter().enumerate() {
                if !seen.insert(backend.address()) {
                    problems.push(Problem::value(path.key("backends").at(at), backend.address(), "each address once"));
                }
            }
            if !backends.is_empty() && backends.iter().all(|backend| backend.weight() == 0) {
                problems.push(Problem::value(path.key("backends"), "weights of 0 only", "a weight above 0 for at least one"));
            }
        }
    }
    if let Err((key, value, allowed)) = proxy.traffic.checked() {
        problems.push(Problem::value(path.key("traffic").key(&key), value, allowed));
    }
    let limits = &proxy.limits;
    for (key, span) in [
        ("head_time", limits.head_time),
        ("stall_time", limits.stall_time),
        ("idle_time", limits.idle_time),
        ("request_time", limits.request_time),
        ("connect_time", limits.connect_time),
        ("upstream_idle_time", limits.upstream_idle_time),
    ] {
        duration(span, 1, path.key("limits").key(key), problems);
    }
}
