use super::*;

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn every_bundled_scenario_is_accepted() {
    let mut found = 0;
    for entry in std::fs::read_dir(bundled()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            Scenario::parse(&text, &Files { folder: bundled() }).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found += 1;
        }
    }
    assert!(found >= 3, "{found}");
}

#[test]
fn a_series_file_that_is_missing_or_has_gaps_is_bad_input_that_names_the_file() {
    let scenario = |file: &str| {
        let text = format!(
            "[workload]\narrivals = {{ kind = \"trace\", file = \"{file}\" }}\n[[pools]]\nconcurrency = 1\n\
             service_time = {{ dist = \"deterministic\", mean_ms = 1.0 }}\n"
        );
        Scenario::parse(&text, &Files { folder: bundled() }).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(scenario("market-open.csv"), Ok(()));
    let error = scenario("nowhere.csv").unwrap_err();
    assert!(error.starts_with("line 2: `workload.arrivals.file` is \"nowhere.csv\"") && error.contains("No such file"), "{error}");
}

#[test]
fn what_would_take_for_ever_is_refused_with_an_estimate_unless_somebody_says_yes() {
    let scenario = |requests| Scenario::builder("long").poisson(1e6).requests(requests).build().unwrap();
    let error = refuse_what_takes_for_ever(scenario(1_000_000_000_000).expected_requests(), 1, false).unwrap_err();
    assert_eq!(error, "1.0e12 requests in 1 replications, some 139 hours on one core: shorten it, or say --yes");
    assert_eq!(refuse_what_takes_for_ever(scenario(1_000_000_000_000).expected_requests(), 1, true), Ok(()));
    assert_eq!(refuse_what_takes_for_ever(scenario(1_000_000).expected_requests(), 100, false), Ok(()));
}

#[test]
fn csv_has_a_line_for_every_number_of_the_report() {
    let scenario = Scenario::builder("say \"x\"").requests(500).build().unwrap();
    let report = simulator::replicate(&scenario, &Factory::default(), 3, 2, 1).unwrap();
    let csv = csv(&report).unwrap();
    for line in ["metric,value", "scenario,\"say \"\"x\"\"\"", "seed,3", "requests.rejected,0"] {
        assert!(csv.lines().any(|found| found == line), "{line} is missing in\n{csv}");
    }
    assert!(csv.contains("\nci95.latency_ms.p99.high,") && csv.contains("\nlatency_ms.p999,"), "{csv}");
}

const SMALL: &str = "name = \"two <replicas>\"\nseed = 5\nreplications = 4\nduration = \"150s\"\nwarmup = \"10s\"\n\
                     [workload]\narrivals = { kind = \"poisson\", rate_rps = 16.0 }\n[slo]\nlatency_ms = 400\npercentile = 95\n\
                     [cost]\nreplica_hour = 0.5\n[[pools]]\nname = \"app\"\nreplicas = 2\nconcurrency = 1\nqueue = 8\n\
                     service_time = { dist = \"exponential\", mean_ms = 100.0 }\n";

fn args(scenario: PathBuf) -> Args {
    let (seed, replications, jobs) = (None, None, NonZeroUsize::new(2));
    let (trace_out, trace_sample) = (None, 0.01);
    Args { scenario, seed, replications, jobs, yes: false, report: None, baseline: None, trace_out, trace_sample, format: Format::Jsonl }
}

/// The report of the small scenario against one with this text.
fn against(base: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let [own, other, out] = ["own.toml", "base.toml", "out.html"].map(|name| folder.path().join(name));
    std::fs::write(&own, SMALL.replace("replicas = 2", "replicas = 3")).unwrap();
    std::fs::write(&other, base).unwrap();
    run(Args { report: Some(out.clone()), baseline: Some(other), ..args(own) }).unwrap();
    let html = std::fs::read_to_string(out).unwrap();
    (folder, html.replace(&format!("Prescale {}", env!("CARGO_PKG_VERSION")), "Prescale VERSION"))
}

#[test]
fn a_report_against_a_baseline_is_one_file_that_says_what_was_run_and_what_won() {
    let (_folder, html) = against(SMALL);
    expect_test::expect_file!["snapshot.html"].assert_eq(&html);
    let sentence = html.split("<p class=\"sentence\">").nth(1).unwrap().split("</p>").next().unwrap();
    let won = "“two &lt;replicas&gt;” has fewer violation minutes than “two &lt;replicas&gt; (baseline)”, and that is no chance: \
               SLO violation minutes −";
    assert!(sentence.starts_with(won), "{sentence}");
    assert!(sentence.contains("What is worse with it: replica-hours +0.04"), "{sentence}");
    for part in [
        "Prescale VERSION, against the baseline “two &lt;replicas&gt; (baseline)” over the same seeds: seed 5, 4 replications",
        "<h2>The baseline</h2>",
    ] {
        assert!(html.contains(part), "{part} is missing");
    }
    assert!(!html.contains("different workloads") && !html.contains("<replicas>"));
    let foreign = html.replace("http://www.w3.org/2000/svg", "");
    assert!(["<script", "http://", "https://", "url("].iter().all(|part| !foreign.contains(part)));
    // Three levels of latency, load, wait, errors, replicas and cost.
    assert_eq!(html.matches("<svg role=\"img\"").count(), 8);
}

#[test]
fn a_difference_that_may_be_chance_and_another_workload_are_called_so() {
    let (_folder, html) = against(&SMALL.replace("replicas = 2", "replicas = 3").replace("queue = 8", "queue = 9"));
    assert!(html.contains("Nothing is better than “two &lt;replicas&gt; (baseline)” beyond chance, over 4 seeds."), "{html}");
    let (_folder, html) = against(&SMALL.replace("rate_rps = 16.0", "rate_rps = 15.0"));
    assert!(html.contains("<p class=\"warning\">The two have different workloads"));
}

#[test]
fn without_a_baseline_a_report_compares_nothing_and_without_minutes_it_draws_nothing() {
    let scenario = Scenario::parse(SMALL, &Files { folder: bundled() }).unwrap();
    let runs = run_all(&scenario, &Factory::default(), 5, 1, 1).unwrap();
    let html = page::html(&page::Side::new(&scenario, SMALL, 5, runs.clone()), None).unwrap();
    assert!(html.contains("seed 5, one replication") && !html.contains("class=\"sentence\"") && !html.contains("baseline"));
    // The levels of latency share a chart.
    assert_eq!(html.matches("<svg role=\"img\"").count(), 6);
    let mut bare = runs;
    bare.iter_mut().for_each(|run| run.minutes.clear());
    let html = page::html(&page::Side::new(&scenario, SMALL, 5, bare), None).unwrap();
    assert!(html.contains("No charts: ") && !html.contains("<svg"));
}

#[test]
fn a_report_that_cannot_be_written_and_a_baseline_that_is_not_there_are_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.toml");
    std::fs::write(&own, SMALL).unwrap();
    let refused = |args: Args, words: [&str; 3]| match run(args) {
        Err(CliError::BadInput(error)) => words.iter().for_each(|word| assert!(error.contains(word), "{word} is missing in {error}")),
        other => panic!("{other:?}"),
    };
    let nowhere = Some(folder.path().join("nowhere/out.html"));
    refused(Args { report: nowhere, ..args(own.clone()) }, ["--report", "nowhere/out.html", "No such file"]);
    refused(Args { report: Some(folder.path().to_path_buf()), ..args(own.clone()) }, ["--report", "directory", "name a file"]);
    let missing = Some(folder.path().join("missing.toml"));
    let out = folder.path().join("out.html");
    refused(Args { baseline: missing, report: Some(out.clone()), ..args(own) }, ["--baseline", "missing.toml", "No such file"]);
    assert!(!out.exists(), "an empty report was left behind");
}

#[test]
fn a_trace_has_the_same_bytes_with_any_number_of_threads_and_holds_what_was_sampled() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.toml");
    std::fs::write(&own, SMALL).unwrap();
    let written = |name: &str, jobs: usize| {
        let out = folder.path().join(name);
        run(Args { jobs: NonZeroUsize::new(jobs), trace_out: Some(out.clone()), trace_sample: 0.25, ..args(own.clone()) }).unwrap();
        out
    };
    let (one, two, file) = (written("one", 1), written("two", 2), written("all.parquet", 2));
    for name in ["requests.parquet", "decisions.parquet"] {
        assert_eq!(std::fs::read(one.join(name)).unwrap(), std::fs::read(two.join(name)).unwrap(), "{name}");
    }
    let rows = |file: &Path| {
        let parse = |text: &str| text.parse::<i64>();
        tables::read_series(std::fs::File::open(file).unwrap(), "request", "latency_ms", parse).unwrap()
    };
    let sampled = rows(&one.join("requests.parquet"));
    // Four runs of 150 s at 16 requests/s, a quarter of them.
    assert!(sampled.len().abs_diff(2_400) < 250, "{}", sampled.len());
    assert_eq!(format!("{:?}", rows(&file)), format!("{sampled:?}"));
    let served: Vec<f64> = sampled.iter().map(|row| row.1).filter(|latency| latency.is_finite()).collect();
    let mean = served.iter().sum::<f64>() / served.len() as f64;
    let scenario = Scenario::parse(SMALL, &Files { folder: bundled() }).unwrap();
    let report = simulator::replicate(&scenario, &Factory::default(), 5, 4, 1).unwrap();
    assert!((mean / report.latency_ms.unwrap().mean - 1.0).abs() < 0.1, "{mean} {:?}", report.latency_ms);
}

#[test]
fn a_trace_that_cannot_be_written_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.toml");
    // An hour of computing, were it not refused.
    std::fs::write(&own, SMALL.replace("duration = \"150s\"", "duration = \"20000d\"\nmax_in_flight = 16000000")).unwrap();
    for name in ["nowhere/out.parquet", "own.toml/folder"] {
        let trace_out = Some(folder.path().join(name));
        match run(Args { trace_out, yes: true, ..args(own.clone()) }) {
            Err(CliError::BadInput(error)) => assert!(error.starts_with("--trace-out ") && error.contains(name), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_earlier_result_is_as_good_a_baseline_as_its_scenario_and_itself_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let [own, other, result, one, two, same] =
        ["own.toml", "base.toml", "result.json", "one.html", "two.html", "same.html"].map(|name| folder.path().join(name));
    std::fs::write(&own, SMALL.replace("replicas = 2", "replicas = 3").replace("two <replicas>", "three")).unwrap();
    std::fs::write(&other, SMALL).unwrap();
    let base = Scenario::parse(SMALL, &Files { folder: bundled() }).unwrap();
    let runs = run_all(&base, &Factory::default(), 5, 4, 1).unwrap();
    let report = Report::new(&base, 5, &runs);
    std::fs::write(&result, json(&earlier::Printed::new(&report, &base, SMALL, &runs), true).unwrap()).unwrap();
    let page = |scenario: &Path, baseline: &Path, out: &Path| {
        run(Args { baseline: Some(baseline.to_path_buf()), report: Some(out.to_path_buf()), ..args(scenario.to_path_buf()) }).unwrap();
        std::fs::read_to_string(out).unwrap()
    };
    let (of_scenario, of_result) = (page(&own, &other, &one), page(&own, &result, &two));
    let tables = |html: &str| {
        let from = html.find("<p class=\"sentence\">").unwrap();
        html[from..html.find("<h2>Over time</h2>").unwrap()].to_owned()
    };
    assert_eq!(tables(&of_result), tables(&of_scenario));
    assert!(of_result.contains("The baseline is an earlier result") && !of_result.contains("different workloads"));
    let itself = page(&other, &result, &same);
    assert!(itself.contains("beyond chance, over 4 seeds"), "{itself}");
    std::fs::write(&other, SMALL.replace("rate_rps = 16.0", "rate_rps = 15.0")).unwrap();
    assert!(page(&other, &result, &same).contains("different workloads"));
}

#[test]
fn a_baseline_that_is_no_result_or_was_run_otherwise_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [own, result] = ["own.toml", "result.json"].map(|name| folder.path().join(name));
    std::fs::write(&own, SMALL).unwrap();
    let refused = |text: &str, seed: Option<u64>, replications: Option<u32>, words: &[&str]| {
        std::fs::write(&result, text).unwrap();
        match run(Args { baseline: Some(result.clone()), seed, replications, ..args(own.clone()) }) {
            Err(CliError::BadInput(error)) => words.iter().for_each(|word| assert!(error.contains(word), "{word} is missing in {error}")),
            other => panic!("{other:?}"),
        }
    };
    refused("{\"scenario\": 3}", None, None, &["--baseline", "result.json", "line 1", "simulate --format json"]);
    let whole = "{\"scenario\":\"s\",\"seed\":9,\"replications\":2,\"requests\":{\"arrived\":7},\"figures\":{\"error_ratio\":\
                 {\"value\":0.5,\"low\":null,\"high\":null,\"seeds\":[0.5,0.5]}}}";
    refused(&whole.replace("[0.5,0.5]", "[0.5]"), None, None, &["figures.error_ratio.seeds has 1 values for 2 replications"]);
    refused(&whole.replace("\"figures\"", "\"other\""), None, None, &["missing field `figures`"]);
    refused(whole, Some(8), None, &["--seed 8", "run with 9"]);
    refused(whole, None, Some(3), &["--replications 3", "run with 2"]);
}

#[test]
fn all_mistakes_are_named_at_once_those_of_the_autoscaler_too_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("wrong.toml");
    let autoscaler = "[autoscaler]\npolicy = \"hpa\"\nmax = 0\nrps_per_replica = 15\ntarget = 2\n";
    std::fs::write(&scenario, SMALL.replace("seed = 5", "seed = -5").replace("concurrency = 1", "concurrency = 0") + autoscaler).unwrap();
    let (report, trace_out) = (folder.path().join("out.html"), folder.path().join("trace"));
    let args = Args { report: Some(report.clone()), trace_out: Some(trace_out.clone()), ..args(scenario.clone()) };
    let Err(CliError::BadInput(error)) = run(args) else { panic!("it was run") };
    let lines: Vec<&str> = error.lines().collect();
    let named =
        ["line 2: `seed` is -5", "line 16: `pools[0].concurrency` is 0", "line 21: `autoscaler.max` is 0", "line 23: `autoscaler.target`"];
    assert_eq!(lines.len(), named.len(), "{error}");
    for (line, named) in lines.iter().zip(named) {
        assert!(line.starts_with(&format!("{}: {named}", scenario.display())), "{line}");
    }
    assert!(!report.exists() && !trace_out.exists());
}
