//! How old the samples behind an answer are.
//!
//! Prometheus answers an instant query from samples that are up to five minutes old, and stamps the answer with the time of the evaluation:
//! a dead scrape looks alive. So the samples' own time is asked for.

use futures_util::future::try_join_all;

use super::client::{Ask, Client};
use super::{Problem, answer, selector};

/// Who tells the age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// The user's own query for the newest sample's time.
    Query(String),
    /// The selectors in the query, each asked for its newest sample.
    Selectors(Vec<String>),
    /// Nobody: the newest point of the range query stands for it, whose time is that of an evaluation.
    Points,
}

impl Freshness {
    /// For a query, and the user's own query for its samples' time.
    pub(super) fn of(query: &str, fresh: Option<&String>) -> Self {
        match (fresh, selector::scan(query)) {
            (Some(fresh), _) => Self::Query(fresh.clone()),
            (None, Some(scan)) => Self::Selectors(scan.selectors),
            (None, None) => Self::Points,
        }
    }

    /// Time of the newest sample by the server's clock [epoch ms]; `None` = unknown.
    pub(super) async fn newest(&self, client: &Client) -> Result<Option<i64>, Problem> {
        match self {
            Self::Query(query) => time(client, Ask { name: "fresh", query }).await,
            Self::Selectors(all) => oldest_of_newest(client, all, |one| format!("max(timestamp({one}))")).await,
            Self::Points => Ok(None),
        }
    }

    /// The same for series that ended: when a scrape fails, its series are marked stale at once, and [`Self::newest`] finds none, while
    /// `rate(...)` still answers from what lies in its window. The subquery looks back beyond the mark.
    pub(super) async fn newest_before_the_end(&self, client: &Client) -> Result<Option<i64>, Problem> {
        let Self::Selectors(all) = self else { return Ok(None) };
        oldest_of_newest(client, all, |one| format!("max(max_over_time(timestamp({one})[5m:15s]))")).await
    }
}

/// A load from several selectors is as old as the oldest of them; one that has no samples at all is no part of it.
async fn oldest_of_newest(client: &Client, selectors: &[String], query: impl Fn(&String) -> String) -> Result<Option<i64>, Problem> {
    let queries: Vec<String> = selectors.iter().map(query).collect();
    let asked = queries.iter().map(|query| time(client, Ask { name: "time of the samples", query }));
    Ok(try_join_all(asked).await?.into_iter().flatten().min())
}

async fn time(client: &Client, ask: Ask<'_>) -> Result<Option<i64>, Problem> {
    let answer = client.instant(ask).await?;
    Ok(answer::number(ask.name, &answer.data)?.map(|seconds| (seconds * 1_000.0).round() as i64))
}
