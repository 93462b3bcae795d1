//! From a kubeconfig, or a pod's service account, to a client.

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use super::{Options, target};
use crate::act::ActError;

pub(super) async fn client(options: &Options) -> Result<Client, ActError> {
    if !target::is_name(&options.namespace) {
        let namespace = &options.namespace;
        return Err(ActError::lasting(format!(
            "namespace = {namespace:?}: allowed are lower-case letters, digits, '-' and '.', as in \"prod\""
        )));
    }
    // TLS needs a provider, also where `main` hasn't installed one; that there is one already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = configuration(options).await?;
    // See the module's header: the planner decides when to try again.
    config.default_retry = false;
    config.connect_timeout = Some(options.timeout);
    Client::try_from(config).map_err(|error| ActError::lasting(format!("the Kubernetes client can't be set up: {error}")))
}

async fn configuration(options: &Options) -> Result<Config, ActError> {
    let selected = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    let Some(path) = &options.kubeconfig else {
        // A context means a kubeconfig.
        if let (None, Ok(config)) = (&options.context, Config::incluster()) {
            return Ok(config);
        }
        return Config::from_kubeconfig(&selected).await.map_err(|error| {
            let allowed = "set kubeconfig = \"FILE\" (and context), or run in the cluster with a service account";
            ActError::lasting(format!("no way to a Kubernetes cluster was found: {allowed}; {}", first_line(&error)))
        });
    };
    let wrong = |error: &dyn std::fmt::Display| ActError::lasting(format!("kubeconfig = {path:?}: {}", first_line(error)));
    let file = Kubeconfig::read_from(path).map_err(|error| wrong(&error))?;
    if let Some(context) = options.context.as_ref().filter(|context| file.contexts.iter().all(|known| known.name != **context)) {
        let known: Vec<&str> = file.contexts.iter().map(|known| known.name.as_str()).collect();
        return Err(wrong(&format!("context = {context:?} isn't in it; allowed are {known:?}")));
    }
    Config::from_custom_kubeconfig(file, &selected).await.map_err(|error| wrong(&error))
}

/// What is wrong, without the lines of the file around it that a parser shows: they may hold a token.
fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
