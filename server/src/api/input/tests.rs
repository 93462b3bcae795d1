use super::*;

fn refusal(query: &str) -> (String, String, String) {
    let fields = Fields::from_query(Some(query), &["metric", "from", "to", "step"]);
    let body = fields.and_then(|fields| fields.series()).unwrap_err().body();
    (body.key.unwrap(), body.value.unwrap(), body.allowed.unwrap())
}

#[test]
fn durations_need_a_unit() {
    let cases = [("90s", Some(90_000)), ("15m", Some(900_000)), ("7d", Some(604_800_000)), ("0s", None), ("60", None), ("s", None)];
    for (text, ms) in cases {
        assert_eq!(duration_ms(text), ms, "{text}");
    }
    assert_eq!(duration_ms("99999999999999999d"), None);
}

#[test]
fn a_refusal_names_key_value_and_what_is_allowed() {
    let span = "from=1998-06-04T00:00:00Z&to=1998-06-05T00:00:00Z";
    assert_eq!(refusal(&format!("metric=cpu&{span}")).0, "metric");
    assert!(refusal(&format!("metric=cpu&{span}")).2.contains("latency_p95_ms"));
    assert_eq!(refusal(&format!("metric=load&{span}&step=60")).1, "60");
    assert_eq!(refusal("metric=load&from=yesterday&to=1998-06-05T00:00:00Z").1, "yesterday");
    assert_eq!(refusal("metric=load&from=1998-06-05T00:00:00Z").1, "absent");
    assert_eq!(refusal(&format!("metric=load&{span}&stpe=60s")).0, "stpe");
    assert_eq!(refusal(&format!("metric=load&{span}&step=1s")).0, "step");
    assert_eq!(refusal(&format!("metric=load&{span}&metric=load")).2, "given once");
    assert_eq!(refusal("metric=load&from=1998-06-05T00:00:00Z&to=1998-06-05T00:00:00Z").0, "to");
}

#[test]
fn a_query_is_percent_decoded() {
    assert_eq!(percent_decoded("a%20b+c%2Bd%"), "a b c+d%");
    let fields = Fields::from_query(Some("from=1998-06-04T02%3A00%3A00%2B02:00"), &["from"]).unwrap();
    assert_eq!(fields.text("from", "").unwrap(), Some("1998-06-04T02:00:00+02:00"));
}

#[test]
fn extreme_times_do_not_overflow() {
    let (key, ..) = refusal("metric=load&from=-009998-01-01T00:00:00Z&to=9999-12-30T00:00:00Z");
    assert_eq!(key, "step");
}
