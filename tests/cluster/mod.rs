//! The whole loop against the real world: a real Prometheus with a load that climbs each day, a Kubernetes API server that answers as one
//! did, the embedded proxy, and a database. The next climb is minutes away, so that nothing has to be waited for: it is forecast, not seen.
//!
//! The API server is a script: each write must come exactly once and in its turn, and one that isn't expected fails the test.

mod climb;
mod killed;
mod lead;
mod leaving;
mod scene;
mod with_postgres;

use scene::{BEFORE, DEPLOYMENT, HPA, HPA_LIST, More, ORDERED, PODS, SCALE, Scene, list, scaled};
