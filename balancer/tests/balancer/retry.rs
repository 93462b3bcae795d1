//! Which requests are tried again, and how many.

use balancer::{Nanos, Outcome, OutcomeKind, RetryBudget, RetryBudgetConfig, RetryPolicy, may_retry};

fn ended(kind: OutcomeKind) -> Outcome {
    Outcome::new(kind, Nanos::from_millis(1))
}

#[test]
fn only_what_cannot_happen_twice_is_tried_again() {
    let policy = RetryPolicy::default();
    let may = |idempotent, sent, kind| may_retry(idempotent, sent, &ended(kind), 1, &policy);
    for kind in [OutcomeKind::Timeout, OutcomeKind::ServerError, OutcomeKind::ConnectFailed] {
        assert!(may(true, true, kind), "idempotent: {kind:?}");
        assert!(may(false, false, kind), "nothing sent: {kind:?}");
        assert!(!may(false, true, kind), "may have been carried out: {kind:?}");
    }
    for kind in [OutcomeKind::Success, OutcomeKind::Cancelled, OutcomeKind::Overloaded] {
        assert!(!may(true, false, kind), "{kind:?}");
    }
}

#[test]
fn the_policy_limits_kinds_and_attempts() {
    let failed = ended(OutcomeKind::ConnectFailed);
    let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    assert_eq!([1, 2, 3, 4].map(|attempts| may_retry(true, false, &failed, attempts, &policy)), [true, true, false, false]);
    let once = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
    assert!(!may_retry(true, false, &failed, 1, &once));
    let everything = RetryPolicy { overloads: true, ..policy };
    assert!(may_retry(true, true, &ended(OutcomeKind::Overloaded), 1, &everything));
    assert!(!may_retry(false, true, &ended(OutcomeKind::Overloaded), 1, &everything));
    let connect_only = RetryPolicy { timeouts: false, server_errors: false, ..RetryPolicy::default() };
    assert!(may_retry(true, true, &failed, 1, &connect_only));
    assert!(!may_retry(true, true, &ended(OutcomeKind::Timeout), 1, &connect_only));
    assert!(!may_retry(true, true, &ended(OutcomeKind::ServerError), 1, &connect_only));
}

fn spend_all(budget: &mut RetryBudget, now: Nanos) -> usize {
    (0..100_000).take_while(|_| budget.try_spend(now)).count()
}

#[test]
fn retries_stay_within_a_share_of_the_requests() {
    let mut budget = RetryBudget::try_new(RetryBudgetConfig { ratio: 0.2, min_per_second: 0 }).unwrap();
    assert_eq!(spend_all(&mut budget, Nanos::ZERO), 0);
    for request in 0..1_000 {
        budget.on_request(Nanos::from_millis(request));
    }
    assert_eq!(spend_all(&mut budget, Nanos::from_millis(1_000)), 200);
    assert_eq!(spend_all(&mut budget, Nanos::from_millis(9_999)), 0);
    assert_eq!(spend_all(&mut budget, Nanos::from_secs(10)), 0, "the requests of second 0 are forgotten, the retries of second 1 not");
    for _ in 0..2_000 {
        budget.on_request(Nanos::from_secs(10));
    }
    assert_eq!(spend_all(&mut budget, Nanos::from_secs(10)), 200, "400 allowed, 200 spent at second 1");
}

#[test]
fn a_quiet_service_has_its_minimum_and_saves_nothing_up() {
    let mut budget = RetryBudget::try_new(RetryBudgetConfig { ratio: 0.0, min_per_second: 3 }).unwrap();
    assert_eq!(spend_all(&mut budget, Nanos::from_secs(86_400)), 30, "ten seconds' worth, after a day without any");
    assert_eq!(spend_all(&mut budget, Nanos::from_secs(86_409)), 0);
    assert_eq!(spend_all(&mut budget, Nanos::from_secs(86_410)), 30);
}

#[test]
fn bad_limits_are_refused_by_name() {
    let error = RetryBudget::try_new(RetryBudgetConfig { ratio: f64::NAN, min_per_second: 0 }).unwrap_err();
    assert_eq!(error.to_string(), "retry.budget.ratio = NaN: allowed is 0 to 10");
    let error = RetryPolicy { max_attempts: 0, ..RetryPolicy::default() }.validate().unwrap_err();
    assert_eq!(error.to_string(), "retry.max_attempts = 0: allowed is 1 or more (1 = no retries)");
}
