//! Workload, fleet, policies, faults and a seed in; what users would have seen out. Pure.
