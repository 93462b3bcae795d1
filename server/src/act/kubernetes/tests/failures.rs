//! Bad days of the API server.

use super::*;

/// Everything is fine up to the PATCH, which is answered like this.
fn with(patch: Answer) -> Server {
    let server = Server::start();
    alone(&server);
    server.always("GET", DEPLOYMENT, Answer::recorded("09")).always("GET", SCALE, Answer::recorded("03"));
    server.expect("PATCH", SCALE, patch);
    server
}

async fn too_many_requests_say_when_to_come_back_and_are_not_repeated() -> Vec<Call> {
    let mut calls = Vec::new();
    for (answer, after) in [
        (Answer::json(429, "Too many requests, please try again later.").header("Retry-After", "17"), Some(17_000)),
        (Answer::status(503, "apiserver is shutting down").header("Retry-After", "3"), Some(3_000)),
        (Answer::status(500, "etcdserver: leader changed"), None),
        (Answer::status(504, "request did not complete within the allotted timeout"), None),
    ] {
        let server = with(answer);
        let error = refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await;
        assert!(error.retry, "{error}");
        assert_eq!(error.retry_after_ms, after);
        let all = server.finish();
        assert_eq!(writes(&all).len(), 1, "when to come back is the planner's business: {error}");
        calls.extend(all);
    }
    calls
}

async fn an_answer_that_never_comes_is_read_before_it_is_tried_again() -> Vec<Call> {
    let mut calls = Vec::new();
    for lost in [Answer::withheld(), Answer::hang_up(), Answer::json(200, "<html>"), Answer::json(200, r#"{"spec":{"replicas":NaN}}"#)] {
        let server = with(lost);
        let actuator = actuator(&server, |options| options.timeout = Duration::from_millis(400)).await;
        says(&refused(&actuator, &order(7, 4, 1)).await, true, &["patch deployments/scale", "may have been done all the same"]);
        server.always("GET", SCALE, Answer::recorded("03").with("/spec/replicas", 4));
        actuator.scale(&order(7, 4, 2)).await.unwrap();
        let all = server.finish();
        assert_eq!(writes(&all).len(), 1, "no second PATCH");
        calls.extend(all);
    }
    calls
}

async fn a_process_that_was_killed_reads_before_it_writes() -> Vec<Call> {
    let server = with(Answer::withheld());
    let first = actuator(&server, |_| {}).await;
    let order = order(7, 4, 1);
    tokio::select! {
        outcome = first.scale(&order) => panic!("the answer is withheld: {outcome:?}"),
        () = async { while writes(&server.calls()).is_empty() { tokio::task::yield_now().await; } } => {}
    }
    drop(first);
    server.always("GET", SCALE, Answer::recorded("03").with("/spec/replicas", 4));
    actuator(&server, |_| {}).await.scale(&Order { attempt: 2, ..order }).await.unwrap();
    let calls = server.finish();
    assert_eq!(writes(&calls).len(), 1);
    calls
}

async fn unreadable_answers_to_questions_pass() -> Vec<Call> {
    let odd = ["", "null", "<html>", "[]", r#"{"items":7}"#, r#"{"metadata":{},"items":[{"spec":{"maxReplicas":1e400}}]}"#, "{\"items\":["];
    let mut calls = Vec::new();
    for body in odd {
        let server = Server::start();
        server.always("GET", HPA_LIST, Answer::json(200, body)).always("GET", SCALE, Answer::json(200, body));
        let actuator = actuator(&server, |_| {}).await;
        says(&refused(&actuator, &order(7, 4, 1)).await, true, &["unreadable"]);
        assert!(actuator.observe().await.is_err(), "unknown, not empty: {body}");
        calls.extend(server.finish());
    }
    calls
}

async fn a_missing_right_is_named() -> Vec<Call> {
    let server = with(Answer::recorded("22"));
    let error = refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await;
    says(&error, false, &["the right to patch deployments/scale", "\"apps\"", "\"default\"", "rbac.yaml", "system:anonymous"]);
    server.finish()
}

async fn a_target_that_is_not_there_is_named() -> Vec<Call> {
    let server = Server::start();
    alone(&server);
    server.always("GET", DEPLOYMENT, Answer::recorded("08")).always("GET", SCALE, Answer::recorded("08"));
    let actuator = actuator(&server, |_| {}).await;
    says(&refused(&actuator, &order(7, 4, 1)).await, false, &["not found", "\"nope\"", "\"default\""]);
    says(&actuator.observe().await.unwrap_err(), false, &["not found"]);
    server.finish()
}

async fn what_the_server_calls_invalid_is_said_in_its_words() -> Vec<Call> {
    let server = with(Answer::recorded("07"));
    says(&refused(&actuator(&server, |_| {}).await, &order(7, 4, 1)).await, false, &["422", "must be greater than or equal to 0"]);
    server.finish()
}

#[tokio::test]
async fn nobody_there_passes() {
    let actuator = {
        let server = Server::start();
        actuator(&server, |options| options.timeout = Duration::from_secs(2)).await
    };
    says(&refused(&actuator, &order(7, 4, 1)).await, true, &["no answer from the Kubernetes API", "list horizontalpodautoscalers"]);
    assert!(actuator.test().await.is_err());
}

#[test]
#[should_panic(expected = "the rest of the script")]
fn a_call_that_never_comes_fails_the_test() {
    Server::with_deadline(Duration::from_millis(20)).expect("GET", "/version", Answer::recorded("29")).finish();
}

scenarios! {
    too_many_requests_say_when_to_come_back_and_are_not_repeated,
    an_answer_that_never_comes_is_read_before_it_is_tried_again,
    a_process_that_was_killed_reads_before_it_writes,
    unreadable_answers_to_questions_pass,
    a_missing_right_is_named,
    a_target_that_is_not_there_is_named,
    what_the_server_calls_invalid_is_said_in_its_words,
}
