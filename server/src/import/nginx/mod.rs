//! `nginx.conf`: one upstream with the location that proxies to it.
//!
//! What nginx's words mean is nginx's documentation (ngx_http_upstream_module, ngx_http_proxy_module, ngx_http_limit_req_module), checked
//! against its source where it is silent; what ours means is `balancer`. Where the two differ, a note says how.

mod config;
mod ledger;
mod method;
mod place;
mod scenario;
pub mod syntax;
mod tries;
mod units;
mod upstream;
mod why;

pub use syntax::{Includes, NoIncludes};

use super::{Assumed, Draft, ImportError};
use ledger::Ledger;
use place::Place;
use syntax::parse;
use upstream::Upstream;

/// Everything that the draft is written from.
struct Found<'t> {
    upstream: Upstream<'t>,
    place: Option<Place<'t>>,
    tries: tries::Tries,
    assumed: Assumed,
}

/// Imports the upstream `wanted`, or the first that is proxied to.
///
/// # Errors
/// [`ImportError`] with file and line: text that isn't a configuration, no upstream, none of that name (with those that there are), a
/// parameter whose value can't be.
pub fn import(file: &str, text: &str, includes: &dyn Includes, wanted: Option<&str>, assumed: Assumed) -> Result<Draft, ImportError> {
    let tree = parse(file, text, includes).map_err(|error| ImportError { file: error.file, line: Some(error.line), what: error.what })?;
    let mut ledger = Ledger::new(&tree);
    let upstream = Upstream::choose(&tree, wanted, &mut ledger)?;
    let place = Place::find(&tree, &upstream.name);
    let tries = tries::read(place.as_ref(), &upstream, &mut ledger)?;
    let found = Found { upstream, place, tries, assumed };
    let scenario = scenario::write(&found, &mut ledger)?;
    let config = config::write(&found, &mut ledger)?;
    let mut notes = ledger.finish(found.place.as_ref(), &found.upstream.name);
    notes.extend(assumed.notes(file));
    Ok(Draft { scenario, config, notes })
}
