//! The natural logarithm of many numbers at once. A history of weeks has tens of thousands of them, and one call of `libm::log1p` for each was an
//! eighth of a forecast's time; without branches the compiler takes several at once.

/// ln(x) for finite x ≥ 1 within one unit of the last place, the same on every machine: FreeBSD's `e_log.c` (fdlibm, by Sun Microsystems), whose
/// argument is brought to [√½, √2) with integers.
pub(crate) fn ln(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const ODD: [f64; 4] = [6.666_666_666_666_735e-1, 2.857_142_874_366_239e-1, 1.818_357_216_161_805e-1, 1.479_819_860_511_658_6e-1];
    const EVEN: [f64; 3] = [3.999_999_999_940_942e-1, 2.222_219_843_214_978_4e-1, 1.531_383_769_920_937_3e-1];
    /// The high word of √½, and how far it lies below that of 1.
    const ROOT: u64 = 0x3fe6_a09e << 32;
    const BELOW_ONE: u64 = (0x3ff0_0000 << 32) - ROOT;
    /// 2⁵², whose last bits count.
    const COUNTER: u64 = 0x4330_0000_0000_0000;
    let bits = x.to_bits().wrapping_add(BELOW_ONE);
    let exponent = f64::from_bits(COUNTER | (bits >> 52)) - (f64::from_bits(COUNTER) + 1023.0);
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + ROOT) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (EVEN[0] + w * (EVEN[1] + w * EVEN[2]));
    let odd = z * (ODD[0] + w * (ODD[1] + w * (ODD[2] + w * ODD[3])));
    s * (half_square + even + odd) + exponent * LN2_LOW - half_square + f + exponent * LN2_HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_libms_to_the_last_place(x in 1.0..1e18, near in 1.0..3.0) {
            for x in [x, near] {
                prop_assert!((ln(x) - libm::log(x)).abs() <= f64::EPSILON * libm::log(x), "{x}: {} {}", ln(x), libm::log(x));
            }
        }
    }

    #[test]
    fn one_is_nothing() {
        assert_eq!(ln(1.0), 0.0);
        assert!((ln(1e300) - 690.775_527_898_213_7).abs() < 1e-12);
    }
}
