"""The scoring of the peers benchmark, with values worked out by hand. Standard library only."""

import sys
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import scoring
from ours import Prescale
from scoring import Maxima, Tally
from traces import Trace, bridged, on_grid

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def trace(values, step_s=300):
    return Trace("toy", START, step_s, values)


class LeftOut(unittest.TestCase):
    def test_a_series_is_forecast_with_trees_that_never_saw_its_source(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("crane.bin", "nasa_jul.bin", "crane.lstm"):
                (Path(folder) / name).touch()
            ours = Prescale("prescale", left_out=folder)
            self.assertEqual(ours.trained("crane04"), ["--trained", str(Path(folder) / "crane.bin")])
            self.assertEqual(ours.trained("isp_uk"), [])
        self.assertEqual(Prescale("prescale").trained("crane04"), [])


class Losses(unittest.TestCase):
    def test_a_high_quantile_is_punished_more_for_being_too_low(self):
        self.assertEqual(scoring.pinball(10, 6, 0.75), 3)
        self.assertEqual(scoring.pinball(6, 10, 0.75), 1)
        self.assertEqual(scoring.pinball(7, 7, 0.99), 0)

    def test_the_loss_is_the_mean_over_levels_of_twice_the_loss_by_volume(self):
        tally = Tally()
        tally.add([10.0, 30.0], [[10, 20, 20, 20], [10, 20, 20, 20]])
        # q.5: 0 + 10; q.9: 1 + 9; q.95: 0.5 + 9.5; q.99: 0.1 + 9.9: 40 in all, over a volume of 40.
        self.assertAlmostEqual(tally.loss(), 2 * 40 / 40 / 4)
        self.assertEqual(tally.coverage(), [0.5, 0.5, 0.5, 0.5])

    def test_gaps_are_not_scored_and_without_points_there_is_no_loss(self):
        tally = Tally()
        self.assertIsNone(tally.loss())
        self.assertIsNone(tally.coverage())
        tally.add([None, 4.0], [[9, 9, 9, 9], [4, 4, 4, 4]])
        self.assertEqual((tally.points, tally.volume, tally.loss()), (1, 4.0, 0))
        self.assertEqual(tally.coverage(), [1, 1, 1, 1])

    def test_an_answer_of_another_length_is_refused(self):
        with self.assertRaises(ValueError):
            Tally().add([1.0, 2.0], [[1, 1, 1, 1]])

    def test_a_ratio_needs_the_same_points(self):
        own, base, other = Tally(), Tally(), Tally()
        own.add([10.0], [[8, 10, 10, 10]])
        base.add([10.0], [[6, 10, 10, 10]])
        other.add([10.0, 10.0], [[6, 10, 10, 10]] * 2)
        self.assertAlmostEqual(scoring.ratio(own, base), 0.5)
        self.assertIsNone(scoring.ratio(own, other))
        self.assertIsNone(scoring.ratio(own, None))

    def test_the_geometric_mean_of_a_half_and_two_is_one(self):
        self.assertAlmostEqual(scoring.geometric_mean([0.5, 2.0]), 1)
        self.assertIsNone(scoring.geometric_mean([]))

    def test_maxima_are_compared_with_the_highest_of_the_horizon(self):
        maxima = Maxima()
        maxima.add([3.0, 10.0, 5.0], 8, 9)
        maxima.add([20.0, 1.0, 1.0], 25, 30)
        maxima.add([20.0, None, 1.0], 0, 0)
        # Off by 2 of 10 and by 5 of 20; the second alone is below its q.90; the third wasn't observed whole.
        self.assertAlmostEqual(maxima.median_error(), (0.2 + 0.25) / 2)
        self.assertEqual(maxima.share_below(), 0.5)


class Origins(unittest.TestCase):
    def test_they_lie_evenly_over_the_last_share_with_the_whole_horizon_behind_each(self):
        # 100 rows: the last 30 begin at row 70; 5 steps behind the last origin leave row 94.
        self.assertEqual(scoring.origins(100, 5, 4), [70, 78, 86, 94])
        self.assertEqual(scoring.origins(100, 29, 10), [70])
        self.assertEqual(scoring.origins(100, 30, 10), [])

    def test_a_subset_keeps_the_ends(self):
        self.assertEqual(scoring.every_nth([70, 78, 86, 94], 2), [70, 94])
        self.assertEqual(scoring.every_nth([70, 78, 86, 94], 9), [70, 78, 86, 94])
        self.assertEqual(scoring.every_nth([70, 78], 1), [70])


class FlashCrowd(unittest.TestCase):
    def test_the_ramp_rises_to_five_in_ten_minutes_holds_and_falls_in_an_hour(self):
        expected = {-5: 1, 0: 1, 5: 3, 10: 5, 30: 5, 50: 5, 80: 3, 110: 1, 200: 1}
        for minute, factor in expected.items():
            self.assertAlmostEqual(scoring.ramp(minute), factor, msg=f"minute {minute}")

    def test_origins_are_every_five_minutes_from_half_an_hour_before_to_the_end(self):
        origins = scoring.flash_origins(1000, 1)
        self.assertEqual((origins[0], origins[1], origins[-1], len(origins)), (970, 975, 1110, 29))

    def test_crowds_leave_room_before_and_behind(self):
        # 10,000 minutes: the last 30 % from row 7,000, half an hour later at the earliest; 170 minutes and the last row behind the last.
        self.assertEqual(scoring.flash_starts(10_000, 1, 3), [7030, 8429, 9829])
        self.assertEqual(scoring.flash_starts(300, 1, 3), [])

    def test_a_crowd_multiplies_and_leaves_gaps_alone(self):
        self.assertEqual(scoring.crowded([2.0] * 5 + [None] + [2.0] * 5, 0, 5)[:7], [2, 6, 10, 10, 10, None, 10])


class Traces(unittest.TestCase):
    def test_rows_go_to_a_grid_of_the_commonest_step_with_gaps_between(self):
        rows = [(datetime(2026, 1, 1, 0, minute, 30, tzinfo=timezone.utc), float(minute)) for minute in (4, 9, 19, 24)]
        found = on_grid("toy", rows)
        self.assertEqual((found.step_s, found.values), (300, [4.0, 9.0, None, 19.0, 24.0]))
        self.assertEqual(found.text(2), "2026-01-01T00:14:30Z")

    def test_means_over_longer_steps_skip_gaps(self):
        values = [1.0, 2.0, 3.0, 4.0, None, 8.0, None, None, None, 5.0]
        self.assertEqual(trace(values).resampled(900).values, [2.0, 6.0, None])
        self.assertEqual(trace([1.0], 3600).resampled(900).step_s, 3600)

    def test_gaps_are_bridged_by_straight_lines(self):
        self.assertEqual(bridged([None, 2.0, None, None, 8.0, None]), [2, 2, 4, 6, 8, 8])

    def test_history_ends_at_the_origin_and_begins_three_weeks_before(self):
        hourly, quarters = trace([0.0], 3600), trace([0.0], 900)
        self.assertEqual(quarters.history(3000), 3001 - 21 * 96)
        self.assertEqual(quarters.history(100), 0)
        self.assertEqual(hourly.history(2000), 2001 - 56 * 24)

    def test_what_prescale_reads_holds_no_row_behind_the_last_and_none_of_a_gap(self):
        text = trace([1.0, None, 3.5, 4.0]).csv(0, 3)
        self.assertEqual(text, "timestamp,value\n2026-01-01T00:00:00Z,1.0\n2026-01-01T00:10:00Z,3.5\n")

    def test_answers_for_other_times_are_refused(self):
        q = {"0.5": 1, "0.9": 2, "0.95": 3, "0.99": 4}
        line = {"points": [{"ts": "2026-01-01T00:05:00Z", "q": q}], "cpu_ms": 2.5}
        answer = Prescale._answer(trace([1.0, 1.0]), 0, 1, line)
        self.assertEqual((answer.rows, answer.highest, answer.cpu_ms), ([[1, 2, 3, 4]], None, 2.5))
        with self.assertRaises(ValueError):
            Prescale._answer(trace([1.0, 1.0, 1.0]), 1, 1, line)


if __name__ == "__main__":
    unittest.main()
