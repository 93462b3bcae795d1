"""How good forecasts were: pinball loss, coverage, where origins lie, and the ramp of the flash crowd. Standard library only."""

import math
import statistics

LEVELS = (0.5, 0.9, 0.95, 0.99)


def pinball(actual, predicted, level):
    """Pinball loss of one quantile (Koenker & Bassett 1978), in the unit of the value."""
    error = actual - predicted
    return level * error if error >= 0 else (level - 1) * error


class Tally:
    """Sums over scored points of one method; `None` among the actual values (a gap) isn't scored."""

    def __init__(self):
        self.losses = [0.0] * len(LEVELS)
        self.covered = [0] * len(LEVELS)
        self.points = 0
        self.volume = 0.0

    def add(self, actuals, rows):
        """Scores one origin: `rows` has a quantile per level for each of `actuals`."""
        for actual, row in zip(actuals, rows, strict=True):
            if actual is None:
                continue
            self.points += 1
            self.volume += abs(actual)
            for i, level in enumerate(LEVELS):
                self.losses[i] += pinball(actual, row[i], level)
                self.covered[i] += actual <= row[i]

    def loss(self):
        """Mean weighted quantile loss: the mean over levels of 2 Σ loss / Σ |actual|; `None` without volume."""
        return 2 * sum(self.losses) / self.volume / len(LEVELS) if self.volume > 0 else None

    def coverage(self):
        """Share of points at or below each quantile; `None` without points."""
        return [count / self.points for count in self.covered] if self.points else None


def ratio(own, base):
    """Loss of `own` relative to `base`, which has the same points; `None` where that says nothing."""
    if own is None or base is None or own.points != base.points:
        return None
    mine, theirs = own.loss(), base.loss()
    return mine / theirs if mine is not None and theirs else None


def geometric_mean(values):
    """Of positive numbers; `None` of none."""
    values = list(values)
    if not values:
        return None
    return math.exp(sum(math.log(max(value, 1e-12)) for value in values) / len(values))


def origins(length, steps, count, last=0.3):
    """Rows after which forecasts are made: `count`, evenly over the last share of the series, the whole horizon behind each.

    The same rule as `prescale backtest`. Empty if not even one horizon fits.
    """
    first = math.floor(length * (1 - last) + 1e-6)
    end = length - 1 - steps
    if end < first:
        return []
    return sorted({first + (end - first) * i // max(count - 1, 1) for i in range(count)})


def every_nth(items, count):
    """`count` of the items, evenly, the first and the last among them."""
    if count >= len(items):
        return list(items)
    return [items[i * (len(items) - 1) // max(count - 1, 1)] for i in range(count)]


RAMP_UP_MIN, RAMP_HELD_MIN, RAMP_DOWN_MIN, RAMP_TOP = 10, 40, 60, 5.0
RAMP_LENGTH_MIN = RAMP_UP_MIN + RAMP_HELD_MIN + RAMP_DOWN_MIN


def ramp(minute):
    """Factor on the load so many minutes after the crowd's first: to 5 in 10 min, held 40 min, back in 60 min."""
    if minute <= 0 or minute >= RAMP_LENGTH_MIN:
        return 1.0
    if minute < RAMP_UP_MIN:
        return 1 + (RAMP_TOP - 1) * minute / RAMP_UP_MIN
    if minute <= RAMP_UP_MIN + RAMP_HELD_MIN:
        return RAMP_TOP
    return RAMP_TOP - (RAMP_TOP - 1) * (minute - RAMP_UP_MIN - RAMP_HELD_MIN) / RAMP_DOWN_MIN


def flash_starts(length, step_min, count=12, last=0.3):
    """Rows where the crowds begin: evenly over the last share, each with 30 min before it and the ramp and an hour behind it."""
    first = math.floor(length * (1 - last)) + math.ceil(30 / step_min)
    end = length - 1 - math.ceil((RAMP_LENGTH_MIN + 60) / step_min)
    if end < first:
        return []
    return sorted({first + (end - first) * i // max(count - 1, 1) for i in range(count)})


def flash_origins(start, step_min, every_min=5):
    """Rows after which forecasts are made: from 30 min before the crowd to the ramp's end."""
    return [start + round(minute / step_min) for minute in range(-30, RAMP_LENGTH_MIN + 1, every_min)]


def crowded(values, start, step_min):
    """The series as if a crowd had come at row `start`."""
    return [value if value is None else value * ramp((i - start) * step_min) for i, value in enumerate(values)]


class Maxima:
    """How well the horizon's maximum was foreseen."""

    def __init__(self):
        self.errors = []
        self.below = 0

    def add(self, actuals, median, high):
        """One origin; not scored if a part of the horizon wasn't observed."""
        if any(actual is None for actual in actuals) or max(actuals) <= 0:
            return
        highest = max(actuals)
        self.errors.append(abs(median - highest) / highest)
        self.below += highest <= high

    def merge(self, other):
        self.errors += other.errors
        self.below += other.below

    def median_error(self):
        """Median absolute error of the median, relative to the actual maximum."""
        return statistics.median(self.errors) if self.errors else None

    def share_below(self):
        """Share of maxima at or below the q.90."""
        return self.below / len(self.errors) if self.errors else None
