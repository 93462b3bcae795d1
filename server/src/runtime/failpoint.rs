//! Places where a test stops the process to kill it: `PRESCALE_FAILPOINT=journaled|acted`. Release builds don't have them.
//!
//! What must hold between journal and act, and between act and acknowledgement, can only be seen by dying exactly there.

/// Waits forever when this point is the one that the environment names, after saying so on standard error.
pub async fn reach(point: &str) {
    if cfg!(debug_assertions) && std::env::var("PRESCALE_FAILPOINT").is_ok_and(|wanted| wanted == point) {
        eprintln!("failpoint {point} reached");
        std::future::pending::<()>().await;
    }
}
