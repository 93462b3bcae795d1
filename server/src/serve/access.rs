//! Whether anybody could sign in where one has to.

use super::check::Finding;
use super::store;
use crate::config::Config;
use crate::config::file::{Server, SignIn};
use crate::store::anybody_may_sign_in;

/// An address that others reach, and nobody said that they know.
pub fn must_not_be_empty(server: &Server) -> bool {
    server.sign_in_needed() && server.sign_in != SignIn::Always
}

/// What to do while there is no account.
pub fn nobody(config: &Config) -> String {
    let server = &config.file.server;
    let reached = server.public_url.clone().unwrap_or_else(|| server.listen.to_string());
    format!(
        "{reached} is reached by others, and there is neither an account nor a token: make one with `prescale user add NAME --role admin --config \
         {path}` or `prescale token create --role admin --config {path}`, or listen on a loopback address such as 127.0.0.1:8080, or say \
         server.sign_in = \"always\" to start without",
        path = config.path.display()
    )
}

/// The finding, if there is something to say.
pub async fn test(config: &Config) -> Vec<Finding> {
    let server = &config.file.server;
    if !server.sign_in_needed() {
        return Vec::new();
    }
    let what = "sign-in";
    let known = match store::location(server) {
        Ok(location) => anybody_may_sign_in(&location).await,
        // Told with the database.
        Err(_) => return Vec::new(),
    };
    vec![match known {
        Ok(true) => Finding::new(what, true, "needed, and there is somebody who can"),
        Ok(false) => Finding::new(what, !must_not_be_empty(server), nobody(config)),
        Err(error) => Finding::new(what, false, error.to_string()),
    }]
}
