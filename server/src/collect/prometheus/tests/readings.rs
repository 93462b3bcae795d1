//! What good and odd answers become.

use super::*;

#[tokio::test]
async fn a_reading_has_the_finished_steps_and_the_newest_value_with_its_samples_time() {
    let fake = Fake::start(healthy).await;
    let reading = source(&fake).read().await.unwrap();
    // Five steps overlap; each is named after its start and holds what was evaluated at its end.
    assert_eq!(loads(&reading.steps), (-5..0).map(|step| (step, minute(END_MS + (step + 1) * STEP_MS) as f64)).collect::<Vec<_>>());
    let (at_ms, now) = reading.now.unwrap();
    assert!((NOW_MS - 5_500..=fake.clock.now_ms() - 4_000).contains(&at_ms), "{}", at_ms - NOW_MS);
    assert_eq!((now.load_rps, now.from_ms), (minute(NOW_MS) as f64, at_ms - STEP_MS));
    assert!(fake.asked().iter().all(|asked| asked.path.starts_with("/prefix/api/v1/query")));
}

#[tokio::test]
async fn a_second_reading_tells_only_what_is_new_or_was_corrected() {
    let fake = Fake::start(healthy).await;
    let source = source(&fake);
    source.read().await.unwrap();
    assert!(source.read().await.unwrap().steps.is_empty());
    fake.now(|asked, theirs_ms| match asked.range {
        true => {
            Reply::matrix(asked.grid().map(|at_ms| (at_ms, if at_ms == END_MS - STEP_MS { "7".into() } else { minute(at_ms).to_string() })))
        }
        false => healthy(asked, theirs_ms),
    });
    assert_eq!(loads(&source.read().await.unwrap().steps), [(-2, 7.0)]);
}

#[tokio::test]
async fn steps_that_were_missed_are_caught_up_with_after_an_outage() {
    let fake = Fake::start(healthy).await;
    let source = source(&fake);
    source.read().await.unwrap();
    // As if the last successful reading had been two hours ago.
    source.memory.lock().asked_to_ms = Some(END_MS - 120 * STEP_MS);
    source.memory.lock().told.clear();
    let steps = source.read().await.unwrap().steps;
    assert_eq!((steps.len(), loads(&steps)[0].0), (125, -125));
    // What fails changes nothing of where the next reading begins.
    source.memory.lock().asked_to_ms = Some(END_MS - 10 * STEP_MS);
    fake.now(|_, _| Reply::Status(503, "text/plain", "starting".into()));
    assert!(source.read().await.is_err());
    assert_eq!(source.memory.lock().asked_to_ms, Some(END_MS - 10 * STEP_MS));
}

#[tokio::test]
async fn a_long_history_is_asked_for_in_ranges_below_the_servers_limit() {
    let fake = Fake::start(healthy).await;
    let from_ms = END_MS - 25_000 * STEP_MS;
    let steps = source(&fake).backfill(from_ms + 1, NOW_MS + 3_600_000).await.unwrap();
    // The step that began before `from` is not whole, and the one that lasts is not finished.
    assert_eq!((steps.len(), steps[0].from_ms), (24_999, from_ms + STEP_MS));
    assert!(steps.windows(2).all(|pair| pair[1].from_ms - pair[0].from_ms == STEP_MS));
    let ranges: Vec<_> = fake.asked().iter().map(Asked::bounds).collect();
    assert_eq!(ranges.len(), 3);
    assert!(ranges.iter().all(|(start, end, step)| (end - start) / step < 11_000), "{ranges:?}");
}

#[tokio::test]
async fn the_other_columns_are_read_and_one_that_fails_costs_only_itself() {
    let fake = Fake::start(|asked, theirs_ms| match (&*asked.query, asked.range) {
        ("p95", true) => Reply::matrix(asked.grid().map(|at_ms| (at_ms, "250".into()))),
        ("errors", true) => Reply::matrix(asked.grid().map(|at_ms| (at_ms, if at_ms == END_MS { "1.5" } else { "0.5" }.into()))),
        ("shed", true) => Reply::matrix(asked.grid().map(|at_ms| (at_ms, if at_ms == END_MS { "3" } else { "0" }.into()))),
        ("p95", false) => Reply::vector("300"),
        ("shed", false) => Reply::empty(),
        ("errors", false) => Reply::vector("NaN"),
        _ => healthy(asked, theirs_ms),
    })
    .await;
    let with_all = |options: &mut Options| {
        let named = |name: &str| Some(name.to_owned());
        let load = options.queries.load.clone();
        options.queries =
            Queries { load, replicas: None, latency_ms: named("p95"), errors: named("errors"), shed: named("shed"), fresh: None };
    };
    let source = source_with(&fake, with_all);
    let reading = source.read().await.unwrap();
    let (before, last) = (reading.steps[3], reading.steps[4]);
    assert_eq!((before.saturated, before.error_ratio, before.latency_p95_ms), (false, Some(0.5), Some(250.0)));
    // A ratio above 1 is none.
    assert_eq!((last.saturated, last.error_ratio), (true, None));
    let now = reading.now.unwrap().1;
    assert_eq!((now.saturated, now.error_ratio, now.latency_p95_ms), (false, None, Some(300.0)));
    fake.now(|asked, theirs_ms| match &*asked.query {
        "p95" | "errors" | "shed" => Reply::refused("no such function"),
        _ => healthy(asked, theirs_ms),
    });
    assert_eq!(
        source.read().await.unwrap().steps,
        [],
        "a query that fails unsays nothing: neither the latency nor that requests were shed"
    );
    let reading = source_with(&fake, with_all).read().await.unwrap();
    assert_eq!((reading.steps.len(), reading.steps[0].latency_p95_ms, reading.now.unwrap().1.latency_p95_ms), (5, None, None));
}

#[tokio::test]
async fn nothing_nan_infinite_and_negative_is_unknown_and_never_zero() {
    for value in ["NaN", "+Inf", "-Inf", "-3"] {
        let fake = Fake::start(move |asked, theirs_ms| match asked.range {
            true => Reply::matrix(asked.grid().map(|at_ms| (at_ms, if at_ms == END_MS { "8".into() } else { value.to_owned() }))),
            false if asked.query.starts_with("max(") => healthy(asked, theirs_ms),
            false => Reply::vector(value),
        })
        .await;
        let reading = source(&fake).read().await.unwrap();
        assert_eq!((loads(&reading.steps), reading.now), (vec![(-1, 8.0)], None), "{value}");
    }
    let fake = Fake::start(|asked, _| Reply::data(if asked.range { "matrix" } else { "vector" }, "[]")).await;
    assert_eq!(source(&fake).read().await.unwrap(), Reading::default());
}

#[tokio::test]
async fn points_out_of_order_and_repeated_are_one_series() {
    let fake = Fake::start(|asked, theirs_ms| match asked.range {
        true => Reply::matrix(
            [(END_MS, "1"), (END_MS - STEP_MS, "2"), (END_MS, "3"), (END_MS - 2 * STEP_MS, "4"), (END_MS - 2 * STEP_MS, "NaN")]
                .map(|(at, value)| (at, value.to_owned()))
                .into_iter(),
        ),
        false => healthy(asked, theirs_ms),
    })
    .await;
    assert_eq!(loads(&source(&fake).read().await.unwrap().steps), [(-2, 2.0), (-1, 3.0)]);
}

#[tokio::test]
async fn a_scalar_is_a_number_and_so_is_what_an_old_server_leaves_out() {
    let fake = Fake::start(|asked, theirs_ms| match asked.range || asked.query.starts_with("max(") {
        true => healthy(asked, theirs_ms),
        false => Reply::data("scalar", r#"[1800000000.5,"1e+06"]"#),
    })
    .await;
    assert_eq!(source(&fake).read().await.unwrap().now.unwrap().1.load_rps, 1e6);
}

#[tokio::test]
async fn two_series_are_refused_with_the_labels_that_differ() {
    let two = |value: &str| {
        format!(r#"[{{"metric":{{"job":"api","instance":"a"}},{value}}},{{"metric":{{"job":"api","instance":"b"}},{value}}}]"#)
    };
    for range in [false, true] {
        let fake = Fake::start(move |asked, theirs_ms| match (asked.range, asked.query.starts_with("max(")) {
            (true, _) if range => Reply::data("matrix", &two(r#""values":[[1800000000,"1"]]"#)),
            (false, false) if !range => Reply::data("vector", &two(r#""value":[1800000000,"1"]"#)),
            _ => healthy(asked, theirs_ms),
        })
        .await;
        assert_eq!(error(&fake).await, r#"load: 2 series differ in instance: "a", "b"; wrap the query in sum(...)"#);
    }
    let many = |at: usize| format!(r#"{{"metric":{{"pod":"p{at}","zone":"{}"}},"value":[1800000000,"1"]}}"#, at % 2);
    let many: Vec<String> = (0..6).map(many).chain([r#"{"metric":{"zone":"0"},"value":[1800000000,"1"]}"#.to_owned()]).collect();
    let fake = Fake::start(move |_, _| Reply::data("vector", &format!("[{}]", many.join(",")))).await;
    says(&error(&fake).await, &["7 series differ in pod: \"\", \"p0\", \"p1\" and 4 more; zone: \"0\", \"1\""]);
}

#[tokio::test]
async fn what_is_no_number_is_refused_with_what_to_write_instead() {
    let cases = [
        (Reply::data("string", r#"[1800000000,"x"]"#), &["load", "a string"][..]),
        (Reply::data("matrix", "[]"), &["range vector", "rate(...)"]),
        (Reply::data("vector", r#"[{"metric":{},"histogram":[1800000000,{}]}]"#), &["native histogram", "histogram_count"]),
        (Reply::vector("many"), &["\"many\" is no number"]),
        (Reply::data("table", "[]"), &["can't be read", "table"]),
        (Reply::Json(r#"{"status":"success"}"#.into()), &["it has no data"]),
    ];
    for (reply, parts) in cases {
        let reply = Mutex::new(Some(reply));
        let fake = Fake::start(move |asked, theirs_ms| match asked.query.starts_with("sum(") && !asked.range {
            true => reply.lock().take().unwrap(),
            false => healthy(asked, theirs_ms),
        })
        .await;
        says(&error(&fake).await, parts);
    }
    let fake = Fake::start(|asked, theirs_ms| match asked.range {
        true => Reply::matrix([(END_MS + 1, "1".to_owned())].into_iter()),
        false => healthy(asked, theirs_ms),
    })
    .await;
    says(&error(&fake).await, &["not on the grid of 60000 ms"]);
}

#[tokio::test]
async fn replicas_carry_their_samples_time_and_are_unknown_rather_than_none() {
    let counted = async |reply: fn() -> Reply| {
        let fake = Fake::start(move |asked, _| match asked.query.as_str() {
            "max(timestamp(ready))" => Reply::vector("1799999975"),
            _ => reply(),
        })
        .await;
        source_with(&fake, |options| options.queries.replicas = Some("sum(ready)".into())).replicas().await
    };
    assert_eq!(counted(|| Reply::vector("12")).await, Ok(Some((END_MS - 25_000, 12.0))));
    assert_eq!(counted(|| Reply::vector("NaN")).await, Ok(None));
    assert_eq!(counted(Reply::empty).await, Ok(None));
    says(&counted(|| Reply::data("string", "[1,\"x\"]")).await.unwrap_err(), &["replicas", "a string"]);
    let fake = Fake::start(healthy).await;
    assert_eq!(source(&fake).replicas().await, Ok(None));
}
