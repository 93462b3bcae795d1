//! What the forecasts of each service rest on: kept in memory from one to the next, and in the database from one run to the next.
//!
//! It is written after each fit (`timing.forecast_every`), not after each update: what an update adds is the record of some minutes. A service
//! takes at most 25 KB here, and less in the database, where it is deflated.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use planner::forecaster::Forecaster;
use predictor::boosted::Models;

use super::Service;
use crate::store::Store;

/// Format of what is stored; whatever has another one is made anew.
const VERSION: u32 = 1;
const BYTES_MAX: usize = 1 << 20;

/// By service.
#[derive(Debug, Default)]
pub struct Forecasters {
    /// Those that the configuration names; without it those in the binary.
    models: Option<Arc<Models>>,
    known: BTreeMap<String, Forecaster>,
    /// As it was configured when they were made.
    services: BTreeMap<String, Weak<Service>>,
}

impl Forecasters {
    /// With trained models of one's own.
    pub fn with(models: Option<Arc<Models>>) -> Self {
        Self { models, ..Self::default() }
    }

    /// The trained models that are asked.
    pub fn models(&self) -> Option<Arc<Models>> {
        self.models.clone()
    }

    /// Forgets what was learnt of a service that was configured anew meanwhile: its history may be another one, and what is stored is right.
    pub fn serve(&mut self, service: &Arc<Service>) {
        let name = &service.config.name;
        let known = self.services.insert(name.clone(), Arc::downgrade(service));
        if known.is_some_and(|known| !Weak::ptr_eq(&known, &Arc::downgrade(service))) {
            self.known.remove(name);
        }
    }

    /// Takes a service's out: the one that made its last forecast, or the one that was stored, or a new one.
    pub async fn take(&mut self, store: &Store, service: &str) -> Forecaster {
        if let Some(known) = self.known.remove(service) {
            return known;
        }
        match store.forecaster(service).await {
            Ok(Some(data)) => read(&data).unwrap_or_else(|| {
                tracing::info!(service, "what its forecasts rested on can't be read: they are made anew");
                Forecaster::default()
            }),
            Ok(None) => Forecaster::default(),
            Err(error) => {
                tracing::warn!(service, %error, "what its forecasts rested on can't be loaded: they are made anew");
                Forecaster::default()
            }
        }
    }

    /// Puts it back, and stores it if it was fitted since `fitted_ms`. That it can't be stored is no reason to do without it.
    pub async fn put(&mut self, store: &Store, service: &str, forecaster: Forecaster, fitted_ms: Option<i64>) {
        if forecaster.fitted_ms() != fitted_ms
            && let Some(data) = written(&forecaster)
            && let Err(error) = store.keep_forecaster(service, &data).await
        {
            tracing::warn!(service, %error, "what its forecasts rest on can't be stored");
        }
        self.known.insert(service.to_owned(), forecaster);
    }

    /// Lets a service's next forecast rest on nothing.
    pub fn begin_anew(&mut self, service: &str) {
        self.known.insert(service.to_owned(), Forecaster::default());
    }

    /// Forgets a service that is gone.
    pub fn forget(&mut self, service: &str) {
        self.known.remove(service);
        self.services.remove(service);
    }
}

fn written(forecaster: &Forecaster) -> Option<Vec<u8>> {
    Some(compress_to_vec(&rmp_serde::to_vec(&(VERSION, forecaster)).ok()?, 6))
}

fn read(data: &[u8]) -> Option<Forecaster> {
    let data = decompress_to_vec_with_limit(data, BYTES_MAX).ok()?;
    let (version, _): (u32, serde::de::IgnoredAny) = rmp_serde::from_slice(&data).ok()?;
    if version != VERSION {
        return None;
    }
    rmp_serde::from_slice(&data).ok().map(|(_, forecaster): (u32, Forecaster)| forecaster)
}

#[cfg(test)]
mod tests;
