//! Slows guessing down without locking anybody out.
//!
//! Every attempt counts as failed until it turns out right, so that many at once gain nothing. After some free ones, each failure doubles the
//! wait: of the address, up to a quarter of an hour; of the account, for those who guess from many addresses, up to half a minute only, and not
//! for an address that its owner signed in from before. So whoever guesses all day at somebody's account makes them wait at most that long,
//! and not at all where they usually are.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

/// Typing errors cost nothing.
const FREE: u32 = 5;
const FIRST_WAIT_MS: i64 = 1_000;
const ADDRESS_WAIT_MAX_MS: i64 = 15 * 60_000;
const ACCOUNT_WAIT_MAX_MS: i64 = 30_000;
/// What lies further back is forgiven.
const FORGET_MS: i64 = 3_600_000;
/// An address that its owner signed in from is known so long.
const KNOWN_MS: i64 = 30 * 86_400_000;
/// Entries in each table, whoever fills them: the oldest goes.
const ENTRIES_MAX: usize = 10_000;

/// Attempts of late, by account and by address.
#[derive(Debug, Default)]
pub struct Backoff {
    accounts: Table<String>,
    addresses: Table<IpAddr>,
    /// Where an account was signed in to, and when.
    known: HashMap<(String, IpAddr), i64>,
}

#[derive(Debug)]
struct Table<K>(HashMap<K, Count>);

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last_ms: i64,
    until_ms: i64,
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn wait(&self, key: &K, now_ms: i64) -> i64 {
        self.0.get(key).map_or(0, |count| count.until_ms.saturating_sub(now_ms)).max(0)
    }

    fn failed(&mut self, key: K, now_ms: i64, longest_ms: i64) {
        let before = self.0.get(&key).filter(|count| now_ms.saturating_sub(count.last_ms) < FORGET_MS).map_or(0, |count| count.failures);
        make_room(&mut self.0, &key, |count| count.last_ms);
        let failures = before.saturating_add(1);
        let wait_ms = match failures.checked_sub(FREE) {
            None | Some(0) => 0,
            Some(beyond) => FIRST_WAIT_MS.saturating_mul(1_i64 << (beyond - 1).min(30)).min(longest_ms),
        };
        self.0.insert(key, Count { failures, last_ms: now_ms, until_ms: now_ms.saturating_add(wait_ms) });
    }

    /// One attempt less.
    fn forgive(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            count.failures = count.failures.saturating_sub(1);
            count.until_ms = count.last_ms;
        }
    }
}

fn make_room<K: Hash + Eq + Clone, V>(table: &mut HashMap<K, V>, key: &K, age: impl Fn(&V) -> i64) {
    if table.len() < ENTRIES_MAX || table.contains_key(key) {
        return;
    }
    if let Some(oldest) = table.iter().min_by_key(|(_, value)| age(value)).map(|(key, _)| key.clone()) {
        table.remove(&oldest);
    }
}

impl Backoff {
    /// Lets an attempt through, and counts it as failed for now.
    ///
    /// # Errors
    /// How long to wait before the next [ms]; this attempt isn't counted.
    pub fn begin(&mut self, account: &str, address: IpAddr, now_ms: i64) -> Result<(), i64> {
        let address = network(address);
        let known = self.known.get(&(account.to_owned(), address)).is_some_and(|at_ms| now_ms.saturating_sub(*at_ms) < KNOWN_MS);
        let of_account = if known { 0 } else { self.accounts.wait(&account.to_owned(), now_ms) };
        let wait_ms = of_account.max(self.addresses.wait(&address, now_ms));
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        self.accounts.failed(account.to_owned(), now_ms, ACCOUNT_WAIT_MAX_MS);
        self.addresses.failed(address, now_ms, ADDRESS_WAIT_MAX_MS);
        Ok(())
    }

    /// The attempt turned out right. The address is forgiven this attempt only: an account of one's own is no way to guess at another's.
    pub fn succeeded(&mut self, account: &str, address: IpAddr, now_ms: i64) {
        let address = network(address);
        self.accounts.0.remove(account);
        self.addresses.forgive(&address);
        let key = (account.to_owned(), address);
        make_room(&mut self.known, &key, |at_ms| *at_ms);
        self.known.insert(key, now_ms);
    }

    /// The attempt came to no answer, through no fault of whoever made it.
    pub fn abandoned(&mut self, account: &str, address: IpAddr) {
        self.accounts.forgive(&account.to_owned());
        self.addresses.forgive(&network(address));
    }
}

/// Who has one address of IPv6 has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// Fails until the next attempt must wait; returns that wait.
    fn fail(backoff: &mut Backoff, account: &str, from: IpAddr, times: u32, now_ms: &mut i64) -> i64 {
        for _ in 0..times {
            while let Err(wait) = backoff.begin(account, from, *now_ms) {
                *now_ms += wait;
            }
        }
        backoff.begin(account, from, *now_ms).err().unwrap_or(0)
    }

    #[test]
    fn waits_double_from_the_sixth_failure_on_and_have_an_end() {
        let (mut backoff, mut now) = (Backoff::default(), 0);
        assert_eq!(fail(&mut backoff, "ada", address(1), 6, &mut now), 1_000);
        assert_eq!(fail(&mut backoff, "ada", address(1), 1, &mut now), 2_000);
        assert_eq!(fail(&mut backoff, "ada", address(1), 1, &mut now), 4_000);
        assert_eq!(fail(&mut backoff, "ada", address(1), 20, &mut now), ADDRESS_WAIT_MAX_MS);
        // The account itself isn't held that long: from elsewhere it is soon open.
        assert!(backoff.begin("ada", address(2), now).unwrap_err() <= ACCOUNT_WAIT_MAX_MS);
    }

    #[test]
    fn attempts_that_wait_are_not_counted_and_old_ones_are_forgiven() {
        let (mut backoff, mut now) = (Backoff::default(), 0);
        assert_eq!(fail(&mut backoff, "ada", address(1), 6, &mut now), 1_000);
        for _ in 0..100 {
            assert_eq!(backoff.begin("ada", address(1), now), Err(1_000));
        }
        now += FORGET_MS;
        assert_eq!(fail(&mut backoff, "ada", address(1), 5, &mut now), 0, "five are free again");
    }

    #[test]
    fn many_at_once_are_counted_before_any_of_them_has_an_answer() {
        let mut backoff = Backoff::default();
        let through = (0..100).filter(|_| backoff.begin("ada", address(1), 0).is_ok()).count();
        assert_eq!(through, FREE as usize + 1);
    }

    #[test]
    fn the_owner_gets_in_from_where_they_were_before_while_others_guess() {
        let (mut backoff, mut now) = (Backoff::default(), 0);
        backoff.begin("ada", address(1), now).unwrap();
        backoff.succeeded("ada", address(1), now);
        for guesser in 10..200 {
            let _ = backoff.begin("ada", address(guesser), now);
        }
        assert!(backoff.begin("ada", address(2), now).is_err(), "the account is held");
        assert_eq!(backoff.begin("ada", address(1), now), Ok(()));
        assert_eq!(backoff.begin("bob", address(2), now), Ok(()), "nobody else's is");
        now += KNOWN_MS;
        assert_eq!(fail(&mut backoff, "ada", address(1), 3, &mut now), 0);
    }

    #[test]
    fn an_own_account_is_no_way_to_guess_at_anothers() {
        let (mut backoff, mut now) = (Backoff::default(), 0);
        let mut longest = 0;
        for _ in 0..12 {
            while let Err(wait) = backoff.begin("ada", address(1), now) {
                longest = wait.max(longest);
                now += wait;
            }
            while let Err(wait) = backoff.begin("mallory", address(1), now) {
                longest = wait.max(longest);
                now += wait;
            }
            backoff.succeeded("mallory", address(1), now);
        }
        assert!(longest >= 16_000, "{longest}");
    }

    #[test]
    fn the_tables_stay_small_and_a_network_is_one_address() {
        let mut backoff = Backoff::default();
        for at in 0..30_000_u32 {
            let _ = backoff.begin(&format!("name-{at}"), IpAddr::from(at.to_be_bytes()), i64::from(at));
        }
        assert!(backoff.accounts.0.len() <= ENTRIES_MAX && backoff.addresses.0.len() <= ENTRIES_MAX);
        let v6 = |text: &str| network(text.parse().unwrap());
        assert_eq!(v6("2001:db8:1:2:3:4:5:6"), v6("2001:db8:1:2::9"));
        assert_ne!(v6("2001:db8:1:2::9"), v6("2001:db8:1:3::9"));
        assert_eq!(v6("::ffff:10.0.0.1"), address(1));
    }
}
