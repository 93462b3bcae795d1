//! Accounts, tokens, sessions and the audit, on both databases; `suite.rs` runs these.

use super::super::chunk::DAY_MS;
use super::super::{
    AccessChange, AccessEvent, AccessRows, AccountRow, AuditFilter, Audited, Beside, ByWhom, JournalRow, SessionRow, TokenRow,
    anybody_may_sign_in,
};
use super::suite::Site;
use super::{Retention, head, row};

fn token(id: &str, name: &str) -> TokenRow {
    let text = str::to_owned;
    TokenRow {
        id: text(id),
        name: text(name),
        role: text("viewer"),
        hash: format!("hash of {id}"),
        created_ms: 5,
        created_by: text("ada"),
        expires_ms: 0,
        used_ms: 0,
    }
}

fn told(at_ms: i64, who: &str, kind: &'static str) -> AccessEvent {
    AccessEvent { at_ms, who: who.into(), kind, what: format!("{kind} it"), before: None, after: Some("viewer".into()) }
}

pub async fn tokens_accounts_and_sessions_change_beside_a_running_store(site: &Site) {
    assert!(!anybody_may_sign_in(&site.location).await.unwrap(), "nothing is made by asking");
    // Before the first start, too.
    let beside = Beside::open(&site.location).await.unwrap();
    assert_eq!(beside.access().await.unwrap(), AccessRows::default());
    let store = site.open().await;
    let account = AccountRow { name: "ada".into(), role: "admin".into(), password: "$argon2id$…".into(), created_ms: 5, changed_ms: 5 };
    let add = AccessChange::AddAccount(account.clone());
    assert!(beside.change_access(&add, Some(&told(5, "root", "account_created"))).await.unwrap());
    assert!(!store.change_access(&add, Some(&told(6, "root", "account_created"))).await.unwrap(), "the name is taken");
    assert!(anybody_may_sign_in(&site.location).await.unwrap());
    assert!(store.change_access(&AccessChange::AddToken(token("1", "ci")), Some(&told(7, "ada", "token_created"))).await.unwrap());
    assert!(!store.change_access(&AccessChange::AddToken(token("2", "ci")), None).await.unwrap(), "the name is taken");
    store.change_access(&AccessChange::TokenUsed("1".into(), 9), None).await.unwrap();
    for at in 0..25 {
        let row = SessionRow { hash: format!("session {at}"), account: "ada".into(), created_ms: 100 + at, seen_ms: 100 + at };
        assert!(store.change_access(&AccessChange::AddSession(row, 0, 0), None).await.unwrap());
    }
    let stranger = SessionRow { hash: "x".into(), account: "eve".into(), created_ms: 100, seen_ms: 100 };
    assert!(!store.change_access(&AccessChange::AddSession(stranger, 0, 0), None).await.unwrap(), "no session without an account");
    let mut rows = beside.access().await.unwrap();
    assert_eq!((rows.accounts, rows.tokens.len(), rows.tokens.remove(0).used_ms), (vec![account], 1, 9));
    let mut kept: Vec<i64> = rows.sessions.iter().map(|row| row.created_ms).collect();
    kept.sort_unstable();
    assert_eq!(kept, (105..125).collect::<Vec<_>>(), "the newest twenty");

    let late = SessionRow { hash: "late".into(), account: "ada".into(), created_ms: 500, seen_ms: 500 };
    store.change_access(&AccessChange::AddSession(late, 110, 120), None).await.unwrap();
    assert_eq!(store.access().await.unwrap().sessions.len(), 6, "what began or was seen before then is gone");
    store.change_access(&AccessChange::SetPassword("ada".into(), "new".into(), 600), None).await.unwrap();
    let rows = store.access().await.unwrap();
    assert_eq!((rows.sessions.len(), rows.accounts[0].password.as_str(), rows.accounts[0].changed_ms), (0, "new", 600));
    assert!(beside.change_access(&AccessChange::RemoveAccount("ada".into()), None).await.unwrap());
    assert!(beside.change_access(&AccessChange::RemoveToken("1".into()), None).await.unwrap());
    assert!(!beside.change_access(&AccessChange::RemoveToken("1".into()), None).await.unwrap());
    assert_eq!(store.access().await.unwrap(), AccessRows::default());
}

pub async fn the_audit_has_one_order_and_pages(site: &Site) {
    let store = site.open().await;
    let beside = Beside::open(&site.location).await.unwrap();
    let operated = |who: &str| JournalRow { entry: format!(r#"{{"paused":{{"who":"{who}"}}}}"#), ..row("paused", 0) };
    store.change_access(&AccessChange::None, Some(&told(1, "ada", "signed_in"))).await.unwrap();
    store.commit(&[operated("ada"), row("decision", 1), row("order_issued", 2)], &head("{}"), 0).await.unwrap();
    beside.change_access(&AccessChange::None, Some(&told(2, "root", "token_created"))).await.unwrap();
    store.change_access(&AccessChange::None, Some(&told(3, "ada", "signed_out"))).await.unwrap();
    // What is told beside it never gets in the journal's way.
    store.commit(&[row("decision", 3), operated("eve")], &head("{}"), 0).await.unwrap();
    let kinds = async |filter: AuditFilter| {
        let found = store.audit(&AuditFilter { limit: if filter.limit == 0 { 99 } else { filter.limit }, ..filter }).await.unwrap();
        let kind = |(_, audited): &(i64, Audited)| match audited {
            Audited::Operation(row) => row.kind.clone(),
            Audited::Access(event) => event.kind.to_owned(),
        };
        (found.iter().map(kind).collect::<Vec<_>>(), found.last().map(|(seq, _)| *seq))
    };
    let all = ["paused", "signed_out", "token_created", "order_issued", "paused", "signed_in"];
    assert_eq!(kinds(AuditFilter::default()).await.0, all);
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let (page, last) = kinds(AuditFilter { limit: 2, before, ..AuditFilter::default() }).await;
        if page.is_empty() {
            break;
        }
        (before, paged) = (last, [paged, page].concat());
    }
    assert_eq!(paged, all, "page by page it is the same");
    let by = |who: &str| AuditFilter { who: Some(ByWhom::Named(who.into())), ..AuditFilter::default() };
    assert_eq!(kinds(by("ada")).await.0, ["signed_out", "paused", "signed_in"]);
    assert_eq!(kinds(by("ad")).await.0, [] as [&str; 0]);
    assert_eq!(kinds(AuditFilter { who: Some(ByWhom::TheLoop), ..AuditFilter::default() }).await.0, ["order_issued"]);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(kinds(AuditFilter { service: text("api"), ..AuditFilter::default() }).await.0, ["paused", "order_issued", "paused"]);
    assert_eq!(kinds(AuditFilter { kind: text("signed_in"), ..AuditFilter::default() }).await.0, ["signed_in"]);
    let keep = Retention { journal_days: 1, ..Retention::default() };
    assert_eq!(store.maintain(10 * DAY_MS, &keep).await.unwrap().journal, 5);
    assert_eq!(kinds(AuditFilter::default()).await.0, ["paused", "order_issued"], "what the present stands on, and nobody's sign-ins");
}

pub async fn many_who_tell_at_once_all_get_a_number(site: &Site) {
    let store = std::sync::Arc::new(site.open().await);
    let beside = std::sync::Arc::new(Beside::open(&site.location).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..10 {
        let (store, beside) = (store.clone(), beside.clone());
        tasks.spawn(async move { store.change_access(&AccessChange::None, Some(&told(at, "ada", "signed_in"))).await.unwrap() });
        tasks.spawn(async move { beside.change_access(&AccessChange::None, Some(&told(at, "root", "token_created"))).await.unwrap() });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.audit(&AuditFilter { limit: 99, ..AuditFilter::default() }).await.unwrap().len(), 20);
}
