//! Tokens, accounts and sessions on a database, with a clock and chance of the test's own.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use super::access::{IDLE_MS, SESSION_MS};
use super::desk::{Doer, NewToken};
use super::*;
use crate::store::{AuditFilter, Audited, Beside, Location, Store};

const PASSWORD: &str = "correct horse battery";

struct Site {
    location: Location,
    store: Arc<Store>,
    access: Arc<Access>,
    now: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// Bytes that differ each time.
fn chance() -> Random {
    let next = Arc::new(AtomicU8::new(0));
    Arc::new(move |bytes| {
        bytes.fill(next.fetch_add(1, Ordering::Relaxed));
        Ok(())
    })
}

impl Site {
    async fn new(sign_in_needed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Folder(folder.path().to_path_buf());
        let store = Arc::new(Store::open(&location).await.unwrap());
        let now = Arc::new(AtomicI64::new(1_000_000_000_000));
        let shown = now.clone();
        let clock: Now = Arc::new(move || shown.load(Ordering::Relaxed));
        let tools = Tools { now: clock.clone(), journal_now: clock, random: chance() };
        Self { access: Arc::new(Access::new(store.clone(), sign_in_needed, tools)), location, store, now, _folder: folder }
    }

    fn later(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    fn doer(&self) -> Doer<'static> {
        let now_ms = self.now.load(Ordering::Relaxed);
        Doer { who: "root on the command line", now_ms, journal_ms: now_ms }
    }

    /// As the command line does it: beside the running store.
    async fn account(&self, name: &str, role: Role) {
        let (change, event) = desk::add_account(name, role, &Secret::new(PASSWORD), self.doer(), &chance()).unwrap();
        assert!(Beside::open(&self.location).await.unwrap().change_access(&change, Some(&event)).await.unwrap());
        self.later(1_001);
    }

    async fn sign_in(&self, account: &str, password: &str) -> Result<SignIn, SignInError> {
        self.access.sign_in(account, Secret::new(password), IpAddr::from([10, 0, 0, 1]), None).await
    }

    async fn who(&self, credentials: Credentials, local: bool) -> Option<Principal> {
        self.access.identify(&credentials, local).await.unwrap()
    }

    /// Kinds and sentences of the audit, oldest first.
    async fn told(&self) -> Vec<(String, String)> {
        let rows = self.store.audit(&AuditFilter { limit: 500, ..AuditFilter::default() }).await.unwrap();
        let text = |(_, audited): (i64, Audited)| match audited {
            Audited::Access(event) => (event.kind.to_owned(), format!("{}: {}", event.who, event.what)),
            Audited::Operation(row) => (row.kind, row.entry),
        };
        rows.into_iter().rev().map(text).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loopback_address_is_enough_unless_it_is_said_not_to_be() {
    let site = Site::new(false).await;
    assert_eq!(site.who(Credentials::None, true).await, Some(Principal::local()));
    assert_eq!(site.who(Credentials::None, false).await, None, "through a proxy it could be anybody");
    let strict = Site::new(true).await;
    assert_eq!(strict.who(Credentials::None, true).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_counts_until_it_expires_or_is_revoked() {
    let site = Site::new(true).await;
    let expires_ms = Some(site.now.load(Ordering::Relaxed) + 90_000);
    let new = NewToken { name: Some("ci".into()), role: Role::Operator, expires_ms };
    let (row, token) = site.access.make_token(new.clone(), "ada").await.unwrap();
    assert!(token.expose().starts_with("prescale_") && token.expose().len() > 50);
    let known = site.who(Credentials::Token(token.clone()), false).await.unwrap();
    assert_eq!((known.who.as_str(), known.role, known.via), ("token ci", Role::Operator, Via::Token));
    assert!(matches!(site.access.make_token(new, "ada").await, Err(AccessError::Taken(name)) if name == "ci"));
    let wrong = Credentials::Token(Secret::new(format!("{}x", token.expose())));
    assert!(matches!(site.access.identify(&wrong, true).await, Err(AccessError::Token)), "also where nothing would have been enough");
    site.later(90_000);
    assert!(matches!(site.access.identify(&Credentials::Token(token), false).await, Err(AccessError::Token)));

    let (other, token) = site.access.make_token(NewToken { name: None, role: Role::Viewer, expires_ms: None }, "ada").await.unwrap();
    assert_eq!(other.name, other.id);
    assert!(site.who(Credentials::Token(token.clone()), false).await.is_some());
    assert!(site.access.revoke_token(&other.id, "ada").await.unwrap());
    assert!(!site.access.revoke_token(&other.id, "ada").await.unwrap());
    assert!(site.access.identify(&Credentials::Token(token), false).await.is_err(), "at once");
    let told = site.told().await;
    assert_eq!(told.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["token_created", "token_created", "token_revoked"]);
    assert!(told[0].1.starts_with("ada: Made the token ci with the role operator, until 2001-"), "{told:?}");
    assert!(!format!("{:?}", site.store.access().await.unwrap()).contains("prescale_"), "only the hash is kept");
    assert_eq!(row.hash.len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uses_are_written_down_coarsely() {
    let site = Site::new(true).await;
    let (_, token) = site.access.make_token(NewToken { name: None, role: Role::Viewer, expires_ms: None }, "ada").await.unwrap();
    let begun = site.now.load(Ordering::Relaxed);
    for _ in 0..20 {
        site.who(Credentials::Token(token.clone()), false).await.unwrap();
        site.later(15_000);
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while site.access.tokens().await.unwrap()[0].used_ms == 0 {
        assert!(std::time::Instant::now() < deadline, "the use was never written");
        tokio::task::yield_now().await;
    }
    assert_eq!(site.access.tokens().await.unwrap()[0].used_ms, begun, "once in five minutes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_stays_signed_in_until_it_is_idle_old_signed_out_or_its_account_changes() {
    let site = Site::new(true).await;
    site.account("ada", Role::Operator).await;
    let signed_in = |session: Secret| Credentials::Session(session);
    let first = site.sign_in("ada", PASSWORD).await.unwrap();
    assert_eq!((first.principal.who.as_str(), first.principal.role), ("ada", Role::Operator));
    assert_eq!(site.who(signed_in(first.session.clone()), false).await, Some(first.principal.clone()));

    // Idle.
    site.later(IDLE_MS - 1);
    assert!(site.who(signed_in(first.session.clone()), false).await.is_some());
    site.later(IDLE_MS);
    assert!(site.who(signed_in(first.session), false).await.is_none());
    // What goes on for hours asks every few seconds whether it still may; that is no use.
    let watched = site.sign_in("ada", PASSWORD).await.unwrap();
    for _ in 0..12 {
        assert!(!site.access.forgot(&signed_in(watched.session.clone()), false).await);
        site.later(IDLE_MS / 12);
    }
    assert!(site.access.forgot(&signed_in(watched.session), false).await);
    // Old, though never idle.
    let second = site.sign_in("ada", PASSWORD).await.unwrap();
    for _ in 0..SESSION_MS / (IDLE_MS / 2) {
        assert!(site.who(signed_in(second.session.clone()), false).await.is_some());
        site.later(IDLE_MS / 2);
    }
    assert!(site.who(signed_in(second.session), false).await.is_none());
    // Signed out; a new sign-in ends the session that the browser had.
    let third = site.sign_in("ada", PASSWORD).await.unwrap();
    site.access.sign_out(&third.principal).await.unwrap();
    assert!(site.who(signed_in(third.session), false).await.is_none());
    let fourth = site.sign_in("ada", PASSWORD).await.unwrap();
    let from = IpAddr::from([10, 0, 0, 1]);
    let fifth = site.access.sign_in("ada", Secret::new(PASSWORD), from, Some(&fourth.session)).await.unwrap();
    assert_ne!(fourth.session, fifth.session);
    assert!(site.who(signed_in(fourth.session), false).await.is_none());
    assert!(site.who(signed_in(fifth.session.clone()), false).await.is_some());

    // Another password, set beside.
    let beside = Beside::open(&site.location).await.unwrap();
    let (change, event) = desk::set_password("ada", &Secret::new("quite another one"), site.doer(), &chance()).unwrap();
    assert!(beside.change_access(&change, Some(&event)).await.unwrap());
    site.later(1_001);
    assert!(site.who(signed_in(fifth.session), false).await.is_none());
    assert!(matches!(site.sign_in("ada", PASSWORD).await, Err(SignInError::Wrong)));
    let sixth = site.sign_in("ada", "quite another one").await.unwrap();
    let row = site.store.access().await.unwrap().accounts.remove(0);
    let (change, event) = desk::remove_account(&row, site.doer());
    assert!(beside.change_access(&change, Some(&event)).await.unwrap());
    site.later(1_001);
    assert!(site.who(signed_in(sixth.session), true).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_account_look_alike_and_must_wait() {
    let site = Site::new(true).await;
    site.account("ada", Role::Viewer).await;
    for account in ["ada", "hunter2hunter2"] {
        assert!(matches!(site.sign_in(account, "wrong wrong wrong").await, Err(SignInError::Wrong)));
    }
    let told = site.told().await;
    assert_eq!(told[1].1, "nobody: A sign-in as ada from 10.0.0.1 failed.");
    assert_eq!(told[2].1, "nobody: A sign-in as an account that doesn't exist from 10.0.0.1 failed.");
    for _ in 0..4 {
        assert!(matches!(site.sign_in("ada", "wrong wrong wrong").await, Err(SignInError::Wrong)));
    }
    // Also the right one, now; and soon not any more.
    assert!(matches!(site.sign_in("ada", PASSWORD).await, Err(SignInError::Wait { seconds: 1 })));
    site.later(1_000);
    assert!(site.sign_in("ada", PASSWORD).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_cant_know_the_csrf_token() {
    let site = Site::new(true).await;
    site.account("ada", Role::Viewer).await;
    let csrf = |sign_in: &SignIn| match &sign_in.principal.via {
        Via::Session { csrf, .. } => csrf.clone(),
        via => panic!("{via:?}"),
    };
    let (one, two) = (site.sign_in("ada", PASSWORD).await.unwrap(), site.sign_in("ada", PASSWORD).await.unwrap());
    assert_ne!(csrf(&one), csrf(&two));
    assert!(same(&csrf(&one), csrf(&one).expose()) && !same(&csrf(&one), csrf(&two).expose()) && !same(&csrf(&one), ""));
    let shown = format!("{one:?} {:?} {:?}", Credentials::Session(one.session.clone()), site.told().await);
    assert!(!shown.contains(one.session.expose()) && !shown.contains(csrf(&one).expose()) && !shown.contains(PASSWORD), "{shown}");
}

#[test]
fn a_password_is_long_and_nothing_else() {
    let check = |text: &str| password::check(&Secret::new(text));
    assert!(check("elevenchars").unwrap_err().contains("12 or more"));
    assert_eq!(check("aaaaaaaaaaaa"), Ok(()));
    assert_eq!(check("äöüäöüäöüäöü"), Ok(()), "characters, not bytes");
    assert!(check(&"x".repeat(1_025)).is_err());
    assert!(!check("hunter2").unwrap_err().contains("hunter2"));
}

#[test]
fn a_password_is_kept_as_argon2id_and_nobodys_costs_the_same() {
    let kept = password::hash(&Secret::new(PASSWORD), &chance()).unwrap();
    let again = password::hash(&Secret::new(PASSWORD), &Tools::system(Arc::new(|| 0)).random).unwrap();
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && kept != again, "{kept} {again}");
    let parameters = |text: &str| text.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
    let lengths = |text: &str| text.split('$').skip(4).map(str::len).collect::<Vec<_>>();
    assert_eq!((parameters(&kept), lengths(&kept)), (parameters(password::NOBODYS), lengths(password::NOBODYS)));
    assert!(password::is_right(&Secret::new(PASSWORD), &kept));
    assert!(!password::is_right(&Secret::new("correct horse batterz"), &kept));
    assert!(!password::is_right(&Secret::new(""), password::NOBODYS) && !password::is_right(&Secret::new(PASSWORD), "not a hash"));
}

#[test]
fn names_cant_be_taken_for_somebody_else() {
    for good in ["ada", "ada.lovelace@example.com", "ci-1", "A_b"] {
        assert!(desk::is_name(good), "{good}");
    }
    for bad in ["", "token ci", "local operator", "prescale", "ada\n", "ädä", &"x".repeat(65)] {
        assert!(!desk::is_name(bad), "{bad}");
    }
    assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    assert_eq!(Role::ALL.map(|role| role.name().parse::<Role>()), Role::ALL.map(Ok));
}
