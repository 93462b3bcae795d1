//! The table as text, block by block; `scripts/holidays` says how it is written.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;

/// The first year that the table holds.
pub const FIRST_YEAR: i16 = 1995;
/// The last one.
pub const LAST_YEAR: i16 = 2040;

static BLOCKS: LazyLock<BTreeMap<&str, Block>> = LazyLock::new(|| read(include_str!("table.txt")));

/// A country or an exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub code: &'static str,
    /// Its name.
    pub title: &'static str,
    parts: &'static str,
    /// Lines with where, name and days.
    body: &'static str,
}

/// The block of a code.
pub(super) fn block(code: &str) -> Option<&'static Block> {
    BLOCKS.get(code)
}

/// All of them, by code.
pub(super) fn blocks() -> impl Iterator<Item = &'static Block> {
    BLOCKS.values()
}

fn read(text: &'static str) -> BTreeMap<&'static str, Block> {
    let mut blocks = BTreeMap::new();
    let mut rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    while let Some((head, below)) = rest.split_once('\n') {
        // The block's lines begin with a tab; the next head doesn't.
        let end = below.match_indices('\n').map(|(at, _)| at + 1).find(|&at| !below[at..].starts_with('\t'));
        let end = if below.starts_with('\t') { end.unwrap_or(below.len()) } else { 0 };
        let mut fields = head.split('\t');
        if let (Some(code), Some(title), Some(parts)) = (fields.next(), fields.next(), fields.next()) {
            blocks.insert(code, Block { code, title, parts, body: &below[..end] });
        }
        rest = &below[end..];
    }
    blocks
}

impl Block {
    /// Parts that have holidays of their own.
    pub fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.parts.split(',').filter(|part| !part.is_empty())
    }

    /// The holidays of a part, or of the whole without one, from one day to another.
    pub fn days(&self, part: Option<&str>, first: Date, last: Date) -> Vec<(Date, &'static str)> {
        let scope = part.unwrap_or("-");
        let mut found = Vec::new();
        for line in self.body.lines() {
            let mut fields = line.trim_start_matches('\t').split('\t');
            let (Some(places), Some(name), Some(days)) = (fields.next(), fields.next(), fields.next()) else { continue };
            if holds(places, scope) {
                days.split(' ').for_each(|token| found.extend(dates(token, first, last).map(|day| (day, name))));
            }
        }
        found
    }
}

/// Whether a scope is among the places of a line.
fn holds(places: &str, scope: &str) -> bool {
    match places.strip_prefix('*') {
        Some("") => true,
        Some(but) => !but.trim_start_matches('!').split(',').any(|place| place == scope),
        None => places.split(',').any(|place| place == scope),
    }
}

/// The days of one token: `MMDD`, `MMDD@1998-2040` or `1995=0416,0407,…`.
fn dates(token: &'static str, first: Date, last: Date) -> impl Iterator<Item = Date> {
    let listed = token.split_once('=').and_then(|(from, days)| Some((from.parse::<i16>().ok()?, days)));
    let (day, span) = token.split_once('@').unwrap_or((token, ""));
    let years = span.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let (from, to) = years.unwrap_or((FIRST_YEAR, LAST_YEAR));
    let of_list = listed.into_iter().flat_map(|(from, days)| (from..).zip(days.split(',')));
    let of_years = listed.is_none().then_some((from.max(first.year())..=to.min(last.year())).map(move |year| (year, day)));
    let all = of_list.chain(of_years.into_iter().flatten());
    all.filter_map(|(year, day)| date(year, day)).filter(move |day| (first..=last).contains(day))
}

fn date(year: i16, day: &str) -> Option<Date> {
    let (month, day) = day.split_at_checked(2)?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}
