//! What a store does, on both databases.

use super::super::chunk::{DAY_MS, Day};
use super::super::{Batch, Beside, JournalRow, Maintained};
use super::access::{
    many_who_tell_at_once_all_get_a_number, the_audit_has_one_order_and_pages, tokens_accounts_and_sessions_change_beside_a_running_store,
};
use super::aside::another_query_or_step_begins_a_history_of_its_own_and_the_former_comes_back;
use super::jobs::{
    a_job_is_kept_with_its_result_and_one_that_ran_is_failed_at_the_next_start,
    ended_jobs_are_limited_in_number_and_age_and_numbers_are_not_used_again,
};
use super::postgres::Postgres;
use super::{LOAD, Location, Retention, SeriesKey, Store, StoreError, decisions, head, row};

/// A database of one's own.
pub struct Site {
    _folder: tempfile::TempDir,
    pub location: Location,
}

impl Site {
    fn new(postgres: Option<(&Postgres, &str)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = postgres.map(|(server, name)| server.database(name));
        Self { location: Location::try_new(folder.path().to_path_buf(), url).unwrap(), _folder: folder }
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }
}

/// Each as a test on SQLite, and all of them on one PostgreSQL, each in a database of its own.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    super::$name(&super::Site::new(None)).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn postgresql_passes_the_whole_suite() {
            let server = Postgres::start();
            $(
                eprintln!("{}", stringify!($name));
                $name(&Site::new(Some((&server, stringify!($name))))).await;
            )+
        }
    };
}

on_both!(
    history_survives_a_restart_and_keeps_its_gaps,
    many_series_are_written_at_once_or_not_at_all,
    sealing_changes_nothing_that_is_read,
    chunks_of_the_first_format_are_read_and_sealed_anew,
    old_days_become_hourly_means_and_then_go,
    of_each_hour_the_first_forecast_is_kept_for_a_fortnight,
    the_journal_keeps_what_the_present_stands_on,
    a_step_that_differs_from_the_stored_one_is_refused,
    another_query_or_step_begins_a_history_of_its_own_and_the_former_comes_back,
    entries_and_state_are_written_together,
    a_second_instance_is_told_who_holds_it,
    a_database_of_a_newer_version_is_refused_untouched,
    writers_and_readers_at_once_never_meet_a_locked_database,
    tokens_accounts_and_sessions_change_beside_a_running_store,
    the_audit_has_one_order_and_pages,
    many_who_tell_at_once_all_get_a_number,
    a_job_is_kept_with_its_result_and_one_that_ran_is_failed_at_the_next_start,
    ended_jobs_are_limited_in_number_and_age_and_numbers_are_not_used_again,
);

pub async fn values(store: &Store, from_ms: i64, to_ms: i64) -> Vec<Option<f64>> {
    let series = store.read(LOAD, from_ms, to_ms).await.unwrap().unwrap();
    assert_eq!(series.start_ms(), from_ms);
    (0..series.len()).map(|at| series.value(at)).collect()
}

async fn history_survives_a_restart_and_keeps_its_gaps(site: &Site) {
    let start = 20_000 * DAY_MS - 2 * 60_000;
    {
        let store = site.open().await;
        store.append(LOAD, 60_000, &[(start, 1.0), (start + 60_000, 2.0), (start + 180_000, 4.0)]).await.unwrap();
        store.append(LOAD, 60_000, &[(start + 60_000, 2.5), (start + 240_000, 9.0)]).await.unwrap();
        store.append(LOAD, 60_000, &[(start + 240_000, f64::NAN)]).await.unwrap();
        store.close().await;
    }
    let store = site.open().await;
    assert_eq!(values(&store, start, start + DAY_MS).await, [Some(1.0), Some(2.5), None, Some(4.0)]);
    assert_eq!(store.step_of(LOAD).await.unwrap(), Some(60_000));
    store.forget("api").await.unwrap();
    assert!(store.read(LOAD, start, start + DAY_MS).await.unwrap().is_none());
}

async fn many_series_are_written_at_once_or_not_at_all(site: &Site) {
    let store = site.open().await;
    let names: Vec<String> = (0..450).map(|i| format!("service-{i}")).collect();
    let key = |name: &'static str| SeriesKey { service: name, metric: "load" };
    for minute in 0..2_i64 {
        let points: Vec<[(i64, f64); 1]> = (0..450).map(|i| [(minute * 60_000, f64::from(i) + 0.5)]).collect();
        let batch = |(name, points)| Batch { key: SeriesKey { service: name, metric: "load" }, step_ms: 60_000, points };
        let batches: Vec<Batch<'_>> = names.iter().map(String::as_str).zip(points.iter().map(|one| &one[..])).map(batch).collect();
        store.append_many(&batches).await.unwrap();
    }
    for at in [0, 199, 200, 449] {
        let series = store.read(SeriesKey { service: &names[at], metric: "load" }, 0, DAY_MS).await.unwrap().unwrap();
        assert_eq!((series.len(), series.value(0), series.value(1)), (2, Some(at as f64 + 0.5), Some(at as f64 + 0.5)));
    }
    let new = Batch { key: key("new"), step_ms: 60_000, points: &[(0, 1.0)] };
    let wrong = Batch { key: key("service-3"), step_ms: 30_000, points: &[(0, 1.0)] };
    store.append_many(&[new, wrong]).await.unwrap_err();
    assert!(store.read(key("new"), 0, DAY_MS).await.unwrap().is_none());
    store.append_many(&[new]).await.unwrap();
    assert!(store.read(key("new"), 0, DAY_MS).await.unwrap().is_some());
}

async fn sealing_changes_nothing_that_is_read(site: &Site) {
    let store = site.open().await;
    let points: Vec<(i64, f64)> = (0..3 * 1_440).filter(|i| i % 7 != 3).map(|i| (i * 60_000, (i % 911) as f64 / 60.0)).collect();
    store.append(LOAD, 60_000, &points).await.unwrap();
    let before = store.read(LOAD, 0, 3 * DAY_MS).await.unwrap().unwrap();
    assert_eq!(store.seal(2 * DAY_MS + 1).await.unwrap(), 2, "two days are over, the third is open");
    assert_eq!(store.read(LOAD, 0, 3 * DAY_MS).await.unwrap().unwrap(), before);
    assert_eq!(store.seal(2 * DAY_MS + 1).await.unwrap(), 0);
    // A sample for a sealed day comes late, another is taken back.
    store.append(LOAD, 60_000, &[(3 * 60_000, 77.0), (60_000, f64::NAN)]).await.unwrap();
    for round in 0..2 {
        assert_eq!(values(&store, 0, 4 * 60_000).await[..4], [Some(0.0), None, Some(f64::from(2.0_f32 / 60.0)), Some(77.0)], "{round}");
        assert_eq!(store.seal(2 * DAY_MS + 1).await.unwrap(), 1 - round);
    }
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tail WHERE day < 2").fetch_one(&store.pool).await.unwrap();
    assert_eq!(left, 0);
}

async fn chunks_of_the_first_format_are_read_and_sealed_anew(site: &Site) {
    let store = site.open().await;
    store.append(LOAD, 3_600_000, &[(5 * 3_600_000, 5.0)]).await.unwrap();
    store.seal(DAY_MS).await.unwrap();
    let mut raw = vec![1_u8];
    raw.extend(3_600_000_i64.to_le_bytes());
    (0..24_u8).for_each(|hour| raw.extend((if hour == 2 { f32::NAN } else { f32::from(hour) }).to_le_bytes()));
    sqlx::query("UPDATE chunk SET data = $1").bind(raw).execute(&store.pool).await.unwrap();
    assert_eq!(values(&store, 0, 3 * 3_600_000).await, [Some(0.0), Some(1.0), None, Some(3.0)]);
    store.append(LOAD, 3_600_000, &[(2 * 3_600_000, 2.5)]).await.unwrap();
    store.seal(DAY_MS).await.unwrap();
    assert_eq!(values(&store, 0, 3 * 3_600_000).await, [Some(0.0), Some(1.0), Some(2.5), Some(3.0)]);
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT data FROM chunk").fetch_one(&store.pool).await.unwrap();
    assert_eq!(sealed[0], 2);
}

async fn old_days_become_hourly_means_and_then_go(site: &Site) {
    let store = site.open().await;
    let points: Vec<(i64, f64)> = (0..4 * 1_440).map(|minute| (minute * 60_000, (minute / 60) as f64)).collect();
    store.append(LOAD, 60_000, &points[..4 * 1_440 - 30]).await.unwrap();
    let keep = Retention { fine_days: 1, hourly_days: 3, journal_days: 400 };
    let done = store.maintain(3 * DAY_MS, &keep).await.unwrap();
    assert_eq!(done, Maintained { sealed: 3, thinned: 2, deleted: 0, journal: 0, forecasts: 0 });
    let fine = store.read(LOAD, 2 * DAY_MS, 4 * DAY_MS).await.unwrap().unwrap();
    assert_eq!((fine.step_ms(), fine.len()), (60_000, 2 * 1_440 - 30));
    let mixed = store.read(LOAD, 0, 4 * DAY_MS).await.unwrap().unwrap();
    assert_eq!((mixed.step_ms(), mixed.len()), (3_600_000, 96));
    assert!((0..96).all(|hour| mixed.value(hour) == Some(hour as f64)), "a mean of what is known of the hour");
    // Late samples for a thinned day count for their hours, before and after the next round.
    store.append(LOAD, 60_000, &[(3_600_000, 10.0), (3_660_000, 30.0)]).await.unwrap();
    for _ in 0..2 {
        let mixed = store.read(LOAD, 0, 4 * DAY_MS).await.unwrap().unwrap();
        assert_eq!((mixed.value(0), mixed.value(1), mixed.value(2)), (Some(0.0), Some(20.0), Some(2.0)));
        store.maintain(3 * DAY_MS, &keep).await.unwrap();
    }
    let done = store.maintain(5 * DAY_MS, &keep).await.unwrap();
    assert_eq!(done, Maintained { sealed: 1, thinned: 2, deleted: 2, journal: 0, forecasts: 0 });
    assert!(store.read(LOAD, 0, 2 * DAY_MS - 1).await.unwrap().is_none());
    assert!(store.read(LOAD, 2 * DAY_MS, 5 * DAY_MS).await.unwrap().is_some());
}

async fn of_each_hour_the_first_forecast_is_kept_for_a_fortnight(site: &Site) {
    let store = site.open().await;
    let hour = |count: i64| count * 3_600_000;
    for (origin_ms, data) in [(hour(1) + 5, b"a"), (hour(1) + 9, b"b"), (hour(3), b"c")] {
        store.keep_forecast("shop", origin_ms, data).await.unwrap();
    }
    store.keep_forecast("chat", hour(2), b"d").await.unwrap();
    for (service, data) in [("shop", b"old"), ("chat", b"all"), ("shop", b"new")] {
        store.keep_forecaster(service, data).await.unwrap();
    }
    assert_eq!(store.forecaster("shop").await.unwrap().as_deref(), Some(&b"new"[..]));
    for (at_ms, found) in [(hour(1) + 4, None), (hour(1) + 5, Some(b"a")), (hour(3) - 1, Some(b"a")), (hour(900), Some(b"c"))] {
        assert_eq!(store.forecast_at("shop", at_ms).await.unwrap().as_deref(), found.map(|data| &data[..]), "{at_ms}");
    }
    assert_eq!(store.forecasts_since("shop").await.unwrap(), Some(hour(1) + 5));
    let done = store.maintain(hour(2) + 14 * DAY_MS, &Retention::default()).await.unwrap();
    assert_eq!((done.forecasts, store.forecasts_since("shop").await.unwrap()), (1, Some(hour(3))));
    store.forget("shop").await.unwrap();
    assert_eq!(store.forecasts_since("shop").await.unwrap(), None);
    assert_eq!(store.forecaster("shop").await.unwrap(), None);
    assert_eq!(store.forecaster("chat").await.unwrap().as_deref(), Some(&b"all"[..]));
    assert_eq!(store.forecasts_since("chat").await.unwrap(), Some(hour(2)));
}

async fn the_journal_keeps_what_the_present_stands_on(site: &Site) {
    let store = site.open().await;
    let entry = |day: i64, service: &str, kind: &str, reference| JournalRow {
        at_ms: day * DAY_MS,
        service: service.into(),
        kind: kind.into(),
        reference,
        entry: "{}".into(),
    };
    let rows = [
        entry(0, "quiet", "mode_changed", 0),
        entry(0, "api", "mode_changed", 0),
        entry(0, "api", "decision", 1),
        entry(1, "api", "order_issued", 1),
        entry(2, "api", "decision", 2),
        entry(9, "api", "decision", 3),
        entry(9, "api", "mode_changed", 0),
    ];
    store.commit(&rows, &head("{}"), 0).await.unwrap();
    let keep = Retention { journal_days: 5, ..Retention::default() };
    assert_eq!(store.maintain(10 * DAY_MS, &keep).await.unwrap().journal, 3);
    assert_eq!(decisions(&store).await, [3]);
    assert_eq!(store.journal("quiet", "mode_changed", None, 9).await.unwrap().len(), 1, "its only one stays");
    assert_eq!(store.journal("api", "order_issued", None, 9).await.unwrap().len(), 1, "the newest of its kind stays");
    assert_eq!(store.maintain(10 * DAY_MS, &keep).await.unwrap().journal, 0);
    store.commit(&[row("decision", 4)], &head("{}"), 0).await.unwrap();
    assert_eq!(decisions(&store).await, [3, 4]);
}

async fn a_step_that_differs_from_the_stored_one_is_refused(site: &Site) {
    let store = site.open().await;
    store.append(LOAD, 60_000, &[(0, 1.0)]).await.unwrap();
    let error = store.append(LOAD, 300_000, &[(0, 1.0)]).await.unwrap_err().to_string();
    assert!(error.contains("60000 ms") && error.contains("300000 ms"), "{error}");
    assert!(store.append(LOAD, 7_000_001, &[]).await.is_err());
}

async fn entries_and_state_are_written_together(site: &Site) {
    let store = site.open().await;
    assert!(store.saved().await.unwrap().is_none());
    store.commit(&[row("decision", 1), row("order_issued", 1), row("decision", 2)], &head("{\"a\":1}"), 7).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let mut change = head("{\"a\":2}");
    change.curves = text("{}");
    change.services.extend((0..450).map(|at| (format!("service-{at}"), text("old"))));
    store.commit(&[row("decision", 3)], &change, 8).await.unwrap();
    let mut change = head("{\"a\":2}");
    change.services.extend([("service-7".into(), text("new")), ("service-8".into(), None), ("never".into(), None)]);
    store.commit(&[], &change, 8).await.unwrap();
    let saved = store.saved().await.unwrap().unwrap();
    assert_eq!((saved.written_ms, saved.curves.as_deref(), saved.services.len()), (8, Some("{}"), 449));
    assert_eq!((saved.services["service-6"].as_str(), saved.services["service-7"].as_str()), ("old", "new"));
    assert_eq!(store.saved().await.unwrap().unwrap().head, "{\"a\":2}");
    let newest: Vec<i64> = store.journal("api", "decision", None, 2).await.unwrap().iter().map(|row| row.reference).collect();
    assert_eq!(newest, [3, 2]);
    let older: Vec<i64> = store.journal("api", "decision", Some(2), 9).await.unwrap().iter().map(|row| row.reference).collect();
    assert_eq!(older, [1]);
    assert_eq!(store.followed("api", 1..=2, 9).await.unwrap().len(), 1);
    store.set_meta("k", "v").await.unwrap();
    store.set_meta("k", "w").await.unwrap();
    assert_eq!(store.meta("k").await.unwrap().as_deref(), Some("w"));
}

async fn a_second_instance_is_told_who_holds_it(site: &Site) {
    let _first = site.open().await;
    let error = Store::open(&site.location).await.unwrap_err();
    assert!(matches!(&error, StoreError::InUse { pid, .. } if *pid == std::process::id().to_string()), "{error}");
    // On PostgreSQL a second data folder doesn't help: the database itself is held.
    if let Location::Postgres { url, .. } = &site.location {
        let other = tempfile::tempdir().unwrap();
        let elsewhere = Location::try_new(other.path().to_path_buf(), Some(url.clone())).unwrap();
        let error = Store::open(&elsewhere).await.unwrap_err().to_string();
        assert!(error.contains("in use by another prescale (session ") && error.contains("on its own machine"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

async fn a_database_of_a_newer_version_is_refused_untouched(site: &Site) {
    {
        let store = site.open().await;
        sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT 9999, 'x', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1")
            .execute(&store.pool)
            .await
            .unwrap();
        store.close().await;
    }
    let error = Store::open(&site.location).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 9999, .. }), "{error}");
    let error = Beside::open(&site.location).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 9999, .. }), "{error}");
}

async fn writers_and_readers_at_once_never_meet_a_locked_database(site: &Site) {
    let store = std::sync::Arc::new(site.open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..4_i64 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..25_i64 {
                store.append(LOAD, 60_000, &[(round * 60_000, worker as f64)]).await.unwrap();
                store.commit(&[row("decision", worker * 100 + round)], &head("{}"), round).await.unwrap();
                store.read(LOAD, 0, DAY_MS).await.unwrap();
                store.journal("api", "decision", None, 50).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(decisions(&store).await.len(), 100);
}

/// Used where a day is made by hand.
#[test]
fn an_empty_day_has_a_slot_for_each_step() {
    assert_eq!(Day::empty(60_000).values.len(), 1_440);
}
