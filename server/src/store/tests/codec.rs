//! Days and blocks as bytes: whatever goes in comes out, and no bytes make the reader panic.

use proptest::prelude::*;

use super::super::block::{Block, SLOTS};
use super::super::chunk::{DAY_MS, Day};

/// Any bits: numbers, both zeros, subnormals, infinities, every NaN; and runs, as real series have them.
fn values(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let any = prop_oneof![
        any::<u32>().prop_map(f32::from_bits),
        prop_oneof![Just(0.0_f32), Just(-0.0), Just(f32::NAN), Just(f32::INFINITY), Just(f32::from_bits(1)), Just(14.016_667)],
    ];
    proptest::collection::vec(any, count)
}

fn same_bits(left: &[f32], right: &[f32]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.to_bits() == b.to_bits())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_day_comes_back_to_the_bit(values in values(288)) {
        let day = Day { step_ms: 300_000, values };
        let again = Day::decode(&day.encode()).unwrap();
        prop_assert_eq!(again.step_ms, 300_000);
        prop_assert!(same_bits(&again.values, &day.values));
    }

    #[test]
    fn a_block_comes_back_to_the_bit(values in values(SLOTS), written in any::<u64>()) {
        let mut block = Block::default();
        for (at, value) in values.into_iter().enumerate() {
            block.slots[at] = (written >> at & 1 == 1).then_some(value);
        }
        let again = Block::decode(&block.encode()).unwrap();
        let bits = |block: &Block| block.slots.map(|slot| slot.map(f32::to_bits));
        prop_assert_eq!(bits(&again), bits(&block));
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_read_but_never_panic(
        version in 0_u8..4, step in prop_oneof![Just(300_000_i64), any::<i64>()], body in proptest::collection::vec(any::<u8>(), 0..2_000)
    ) {
        let mut bytes = vec![version];
        bytes.extend(step.to_le_bytes());
        bytes.extend(&body);
        let _ = Day::decode(&bytes);
        let _ = Day::decode(&body);
        let _ = Block::decode(&body);
    }

    #[test]
    fn a_bent_chunk_is_refused_or_read_but_never_panics(at in 0_usize..2_000, bits in 1_u8..=255, cut in 0_usize..2_000) {
        let mut bytes = Day { step_ms: 300_000, values: (0..288).map(|i| i as f32 / 60.0).collect() }.encode();
        let _ = Day::decode(&bytes[..cut.min(bytes.len())]);
        let length = bytes.len();
        bytes[at % length] ^= bits;
        let _ = Day::decode(&bytes);
    }
}

#[test]
fn broken_chunks_are_refused_and_say_why() {
    let day = Day::empty(60_000);
    let bytes = day.encode();
    let error = |bytes: &[u8]| Day::decode(bytes).unwrap_err().to_string();
    assert!(error(&[]).contains("shorter than its header"));
    assert!(error(&[9; 9]).contains("step of"));
    assert!(error(&[&[7], &bytes[1..]].concat()).contains("format 7 is unknown"));
    assert!(Day::decode(&bytes[..bytes.len() - 1]).is_err());
    assert!(Block::decode(&Block::default().encode()[1..]).is_err());
    // A bomb: a little that inflates to more than a day.
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 50_000_000], 6);
    let mut bytes = vec![2];
    bytes.extend(60_000_i64.to_le_bytes());
    bytes.extend(bomb);
    assert!(Day::decode(&bytes).is_err());
}

#[test]
fn a_coarser_step_takes_means_of_what_is_known() {
    let mut day = Day::empty(600_000);
    day.values[..7].copy_from_slice(&[1.0, f32::NAN, 2.0, 6.0, f32::NAN, f32::NAN, 8.0]);
    let hours = day.at_step(3_600_000);
    assert_eq!((hours.values.len(), hours.values[0], hours.values[1]), (24, 3.0, 8.0));
    assert!(hours.values[2].is_nan());
    let eighteen_minutes = Day::empty(1_080_000);
    assert_eq!(eighteen_minutes.at_step(3_600_000).step_ms, 1_080_000, "an hour is no whole number of these");
    assert_eq!(DAY_MS % 1_080_000, 0);
}
