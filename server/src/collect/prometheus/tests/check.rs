//! What `prescale check` is told.

use super::*;

/// A server that knows its own version, has had a load for three days and two hours, and reads four series.
fn whole(asked: &Asked, theirs_ms: i64) -> Reply {
    let begin_ms = NOW_MS - 74 * 3_600_000;
    match asked.query.as_str() {
        "now()" => Reply::refused("unknown function"),
        "count(requests_total)" => Reply::vector("4"),
        "errors" => Reply::vector("0.25"),
        "shed" => Reply::empty(),
        _ if asked.path.ends_with("/buildinfo") => Reply::Json(r#"{"status":"success","data":{"version":"2.42.0"}}"#.into()),
        _ if asked.path.ends_with("/metadata") => Reply::Json(r#"{"status":"success","data":{}}"#.into()),
        _ if asked.range => Reply::matrix(asked.grid().filter(|at_ms| *at_ms >= begin_ms).map(|at_ms| (at_ms, minute(at_ms).to_string()))),
        _ => healthy(asked, theirs_ms),
    }
}

async fn tested(query: &str, script: impl Fn(&Asked, i64) -> Reply + Send + Sync + 'static) -> Result<Checked, Problem> {
    let fake = Fake::start(script).await;
    let query = query.to_owned();
    source_with(&fake, |options| {
        options.queries.load = query;
        options.queries.errors = Some("errors".into());
        options.queries.shed = Some("shed".into());
    })
    .test()
    .await
}

#[tokio::test]
async fn a_good_server_is_described() {
    let checked = tested("sum(rate(requests_total[1m]))", whole).await.unwrap();
    assert_eq!((checked.server.as_str(), checked.series), ("Prometheus 2.42.0", Some(4)));
    assert_eq!((checked.load, checked.skew_ms), (minute(NOW_MS) as f64, Some(0)));
    assert!((4_000..15_000).contains(&checked.age_ms.unwrap()), "{checked:?}");
    assert_eq!(checked.freshness, Freshness::Selectors(vec!["requests_total".into()]));
    let hour_ms = 3_600_000;
    assert_eq!(checked.history_from_ms, Some((NOW_MS / hour_ms - 73) * hour_ms));
    let [errors, (_, Err(shed))] = &checked.others[..] else { panic!("{:?}", checked.others) };
    assert_eq!(errors, &("errors", Ok(Some(0.25))));
    says(&shed.to_string(), &["shed: the query gives no answer", "or vector(0)"]);
    let victoria =
        |asked: &Asked, theirs_ms: i64| if asked.query == "now()" { Reply::vector("1800000000") } else { whole(asked, theirs_ms) };
    assert_eq!(tested("sum(rate(requests_total[1m]))", victoria).await.unwrap().server, "VictoriaMetrics");
}

#[tokio::test]
async fn a_counter_without_a_rate_is_found_by_its_metadata() {
    let counter = |asked: &Asked, theirs_ms: i64| match asked.params.get("metric").map(String::as_str) {
        Some("requests_total") => {
            Reply::Json(r#"{"status":"success","data":{"requests_total":[{"type":"counter","help":"","unit":""}]}}"#.into())
        }
        _ => whole(asked, theirs_ms),
    };
    let error = tested(r#"sum(requests_total{code="200"})"#, counter).await.unwrap_err();
    says(&error.to_string(), &["requests_total is a counter", r#"sum(rate(requests_total{code="200"}[2m]))"#]);
    assert!(error.is_ours());
    assert!(tested("sum(rate(requests_total[1m]))", counter).await.is_ok());
}

#[tokio::test]
async fn a_counter_becomes_neither_history_nor_a_reading() {
    let counter = |asked: &Asked, theirs_ms: i64| match asked.path.ends_with("/metadata") {
        true => Reply::Json(r#"{"status":"success","data":{"requests_total":[{"type":"counter","help":"","unit":""}]}}"#.into()),
        false => whole(asked, theirs_ms),
    };
    let fake = Fake::start(counter).await;
    let source = source_with(&fake, |options| options.queries.load = "sum(requests_total)".into());
    says(&source.read().await.unwrap_err(), &["requests_total is a counter"]);
    says(&source.backfill(NOW_MS - 3_600_000, NOW_MS).await.unwrap_err(), &["requests_total is a counter"]);
}

#[tokio::test]
async fn a_counter_without_metadata_is_found_by_never_falling() {
    let rising = |asked: &Asked, theirs_ms: i64| match asked.range {
        true => Reply::matrix(asked.grid().map(|at_ms| (at_ms, (at_ms / STEP_MS).to_string()))),
        false => whole(asked, theirs_ms),
    };
    says(&tested("sum(requests_total)", rising).await.unwrap_err().to_string(), &["never fell in the last 1441 steps", "sum(rate("]);
    // A load that falls every thousandth minute is a load.
    assert!(tested("sum(requests_total)", whole).await.is_ok());
}

#[tokio::test]
async fn a_load_that_says_nothing_now_is_a_problem_here() {
    let load = |reply: fn() -> Reply| {
        move |asked: &Asked, theirs_ms: i64| if asked.query.starts_with("sum(") && !asked.range { reply() } else { whole(asked, theirs_ms) }
    };
    for (reply, parts) in [
        ((|| Reply::empty()) as fn() -> Reply, &["load: the query gives no series", "labels"][..]),
        (|| Reply::vector("NaN"), &["NaN", "division by zero"]),
        (|| Reply::vector("-1"), &["load: the query gives -1", "0 or more"]),
    ] {
        says(&tested("sum(rate(requests_total[1m]))", load(reply)).await.unwrap_err().to_string(), parts);
    }
}

#[tokio::test]
async fn errors_per_second_are_told_from_a_ratio() {
    let per_second = |asked: &Asked, theirs_ms: i64| if asked.query == "errors" { Reply::vector("12.5") } else { whole(asked, theirs_ms) };
    let checked = tested("sum(rate(requests_total[1m]))", per_second).await.unwrap();
    let error = checked.others[0].1.as_ref().unwrap_err().to_string();
    says(&error, &["errors: the query gives 12.5", "from 0 to 1", "divide"]);
    assert_eq!(checked.others.len(), 2, "the others are checked all the same");
}

#[tokio::test]
async fn a_share_of_no_requests_is_no_problem_and_one_of_some_is() {
    for (load, fine) in [("0", true), ("5", false)] {
        let nobody = move |asked: &Asked, theirs_ms: i64| match asked.query.as_str() {
            "errors" => Reply::vector("NaN"),
            query if query.starts_with("sum(") && !asked.range => Reply::vector(load),
            _ => whole(asked, theirs_ms),
        };
        let checked = tested("sum(rate(requests_total[1m]))", nobody).await.unwrap();
        assert_eq!(checked.others[0].1.is_ok(), fine, "at {load} requests/s: {:?}", checked.others);
    }
}
