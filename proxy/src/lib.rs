//! The live data plane: HTTP in, the balancer decides, HTTP out.
