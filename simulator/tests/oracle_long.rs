//! Exact queueing theory, the rows that need 10^8 requests and more: `cargo test -p simulator --test oracle_long`.

#[path = "oracle/mod.rs"]
mod oracle;

use oracle::plan::{LONG, checks};

#[test]
fn dear_rows_of_the_oracle_hold() {
    let wrong = oracle::violations(&LONG, checks());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
