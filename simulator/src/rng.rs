//! One seed, one child stream per purpose: what one purpose draws never shifts what another one sees, so two scenarios that differ in the
//! balancer only get the same arrivals and the same work.

use rand_pcg::Pcg64Mcg;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Times of arrival.
    Arrivals,
    /// Amount of work per request.
    Service,
    /// The balancer's picks.
    Policy,
    /// The autoscaler under test.
    Autoscaler,
    /// Classes of requests.
    Classes,
    /// Which attempts fail by themselves.
    Failures,
    /// Patience, back-off and thinking of users.
    Clients,
    /// Picks, work and calls of dependencies.
    Dependencies,
    /// Where users live and what resolvers answer.
    Network,
    /// Which requests are written down.
    Trace,
    /// Over which connection requests come.
    Connections,
    /// Who sends each request.
    Users,
    /// What the store of sessions takes.
    Sessions,
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The seed of a child stream.
pub fn child_seed(seed: u64, replication: u32, stream: Stream) -> u64 {
    mix(mix(mix(seed) ^ u64::from(replication)) ^ (stream as u64 + 1))
}

/// The generator of a child stream; its 128 bits of state come from two finalised words.
pub fn child(seed: u64, replication: u32, stream: Stream) -> Pcg64Mcg {
    let low = child_seed(seed, replication, stream);
    let high = mix(low ^ 0x5851_f42d_4c95_7f2d);
    Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_of_many_children_share_a_seed() {
        let streams = [
            Stream::Arrivals,
            Stream::Service,
            Stream::Policy,
            Stream::Autoscaler,
            Stream::Classes,
            Stream::Failures,
            Stream::Clients,
            Stream::Dependencies,
            Stream::Network,
            Stream::Trace,
            Stream::Connections,
            Stream::Users,
            Stream::Sessions,
        ];
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            for replication in 0..50 {
                for stream in streams {
                    assert!(seen.insert(child_seed(seed, replication, stream)), "{seed} {replication} {stream:?}");
                }
            }
        }
    }
}
