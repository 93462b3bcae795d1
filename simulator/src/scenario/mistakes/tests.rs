use super::*;
use crate::autoscale::NoAutoscaler;

fn found(text: &str) -> Vec<(Option<usize>, String)> {
    let errors = Scenario::parse_all(text, &(), &NoAutoscaler).unwrap_err();
    errors.into_iter().map(|error| (error.line, error.key)).collect()
}

#[test]
fn every_mistake_is_named_in_the_order_of_lines_and_nothing_that_is_none() {
    let text = "requests = 10\nseed = -4\nwarmup = 12\n[workload]\narrivals = { kind = \"poisson\", rate_rps = -6.4 }\n\
                classes = [{ name = \"a\", share = 0 }]\n[users]\ncount = 0\n[sessions]\nstore = { dist = \"exponential\", mean_ms = 1 }\n\
                [balancer]\nalgorithm = \"best\"\npassive = { max_fails = 2, timeout = 3 }\n[slo]\nlatency_ms = 5\n[[pools]]\nname = \"app\"\nreplicas = -1\n\
                concurrency = 0\nservice_time = { dist = \"normal\", mean_ms = 4 }\n[[pools]]\nspeed = nan\nconcurrency = 2\n\
                service_time = { dist = \"gamma\", scv = 2, mean_ms = 4 }\n[[faults]]\nkind = \"fire\"\nat = \"1s\"\nlasts = \"1s\"\n\
                [[faults]]\nkind = \"crash\"\nat = \"now\"\nlasts = \"1s\"\n";
    let expected = [
        (2, "seed"),
        (3, "warmup"),
        (5, "workload.arrivals.rate_rps"),
        (6, "workload.classes[0].share"),
        (8, "users.count"),
        (12, "balancer.algorithm"),
        (13, "balancer.passive"),
        (14, "slo.percentile"),
        (18, "pools[0].replicas"),
        (19, "pools[0].concurrency"),
        (20, "pools[0].service_time.dist"),
        (22, "pools[1].speed"),
        (26, "faults[0].kind"),
        (31, "faults[1].at"),
    ];
    assert_eq!(found(text), expected.map(|(line, key)| (Some(line), key.to_owned())));
}

#[test]
fn one_mistake_stays_one_and_a_good_scenario_has_none() {
    let good = "requests = 10\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 6.4 }\n[[pools]]\nconcurrency = 2\n\
                service_time = { dist = \"exponential\", mean_ms = 4 }\n";
    assert_eq!(Scenario::parse_all(good, &(), &NoAutoscaler), Scenario::parse(good, &()).map_err(|error| vec![error]));
    assert_eq!(found(&good.replace("concurrency", "concurency")), [(Some(5), "pools[0].concurency".to_owned())]);
    assert_eq!(found(&good.replace("[workload]", "[work]")), [(Some(2), "work".to_owned())]);
    assert_eq!(found(&good.replace("requests = 10", "")), [(None, "requests".to_owned())]);
    let other_end = good.replace("requests = 10", "requests = 10\nduration = \"1h\"");
    assert_eq!(found(&other_end), [(Some(2), "duration".to_owned())]);
    assert_eq!(found("requests = ["), [(Some(1), "the text".to_owned())]);
}

#[test]
fn what_a_section_cannot_be_without_hides_nothing_else_of_it() {
    let text = "requests = 10\n[workload]\narrivals = { kind = \"poisson\", rate = 6.4 }\nclasses = [{ share = 1 }]\n[[pools]]\n\
                replicas = -2\nservice_time = { dist = \"exponential\", mean = 4 }\nboot_delay = 3\n[slo]\nlatency_ms = \"5s\"\n\
                [[faults]]\nkind = \"crash\"\nlasts = 3\nwhat = 1\n";
    let expected = [
        (3, "workload.arrivals.rate"),
        (4, "workload.classes[0].name"),
        (5, "pools[0].concurrency"),
        (6, "pools[0].replicas"),
        (7, "pools[0].service_time.mean"),
        (8, "pools[0].boot_delay"),
        (9, "slo.percentile"),
        (10, "slo.latency_ms"),
        (13, "faults[0].lasts"),
        (14, "faults[0].what"),
    ];
    assert_eq!(found(text), expected.map(|(line, key)| (Some(line), key.to_owned())));
}

#[test]
fn no_scenario_has_more_mistakes_than_people_read() {
    let unknown: String = (0..100).map(|i| format!("key{i} = {i}\n")).collect();
    assert_eq!(found(&unknown).len(), MOST);
}

#[test]
fn keys_that_look_like_paths_confuse_nobody() {
    let good = "requests = 10\n[workload]\narrivals = { kind = \"poisson\", rate_rps = 6.4 }\n[[pools]]\nconcurrency = 2\n\
                service_time = { dist = \"exponential\", mean_ms = 4 }\n";
    for key in ["a.b", "pools[0]", "[", "]", "]x[9", ".", "", "pools[0].speed", "é[1", "a[1].b[2].c"] {
        assert_eq!(Scenario::parse_all(&format!("{key:?} = 1\n{good}"), &(), &NoAutoscaler).unwrap_err().len(), 1, "{key}");
        let inside = good.replace("concurrency = 2", &format!("concurrency = 0\n{key:?} = 1"));
        // Such a key can't be taken out by its path, so its section goes.
        assert!((1..=2).contains(&Scenario::parse_all(&inside, &(), &NoAutoscaler).unwrap_err().len()), "{key}");
    }
}
