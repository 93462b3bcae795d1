//! Hashes that are the same on every machine and in every version: a key must stay where it is across restarts.

/// A key for [`PickRequest::key`](crate::PickRequest::key) from a header, a cookie or an address. 64 bits, well mixed; not for secrets.
///
/// ```
/// assert_ne!(balancer::hash_key(b"user-1"), balancer::hash_key(b"user-2"));
/// ```
pub fn hash_key(bytes: &[u8]) -> u64 {
    let mut hash = mix(bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    hash
}

/// The key of nginx's `ip_hash`: the first three bytes of an IPv4 address (4 bytes), the whole of an IPv6 address (16 bytes).
pub fn hash_client(address: &[u8]) -> u64 {
    if address.len() == 4 { hash_key(&address[..3]) } else { hash_key(address) }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the input changes half of the output's.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A hash of two numbers.
pub(crate) fn mix2(a: u64, b: u64) -> u64 {
    mix(a ^ mix(b))
}
