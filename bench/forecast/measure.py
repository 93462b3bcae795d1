"""The measurements behind the gates, each on one series: every method is asked at the same origins and scored on the same rows."""

import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone

import peers
import scoring
from ours import Prescale, children_cpu_s
from scoring import Maxima, Tally
from traces import DAY_S, bridged

OURS = "prescale"
HOUR_S, LEAD_S = 3600, 600


@dataclass
class Score:
    """One method on one series. `base` has the base's tally at this method's origins, if these are fewer."""

    tally: Tally = field(default_factory=Tally)
    base: Tally = field(default_factory=Tally)
    maxima: Maxima = field(default_factory=Maxima)
    cpu_s: float = 0.0
    origins: int = 0

    @property
    def ratio(self):
        return scoring.ratio(self.tally, self.base)

    @property
    def cpu_ms(self):
        return self.cpu_s / self.origins * 1e3 if self.origins else None


def ask_peer(name, trace, origin, steps, first):
    """A peer's rows, and the CPU that they took [s]."""
    import numpy as np

    task = peers.Task(np.array(bridged(trace.values[first : origin + 1])), trace.time(first), trace.step_s, trace.day, steps)
    began = cpu_s()
    rows = peers.run(name, task)
    return rows, cpu_s() - began


def cpu_s():
    """Of this process and those that it started (Prophet's sampler is one)."""
    return time.process_time() + children_cpu_s()


def actuals(trace, origin, steps):
    return trace.values[origin + 1 : origin + 1 + steps]


def rolling(trace, horizon, counts, methods, prescale, base=peers.BASE):
    """Scores by method. `counts` says how many of the origins a method is asked at; prescale and the base at all of them."""
    steps = trace.steps(horizon)
    origins = scoring.origins(len(trace.values), steps, max(counts.values()))
    scores, base_rows = {}, {}
    for origin in origins:
        base_rows[origin] = ask_peer(base, trace, origin, steps, trace.history(origin))
    for name in methods:
        score = scores[name] = Score()
        mine = scoring.every_nth(origins, counts[name])
        if name == OURS:
            answers = answered(prescale, trace, mine, horizon, score)
        for origin in mine:
            if name == OURS:
                rows, highest = answers[origin].rows, answers[origin].highest
            else:
                rows, used = base_rows[origin] if name == base else ask_peer(name, trace, origin, steps, trace.history(origin))
                score.cpu_s += used
                score.origins += 1
                highest = None
            truth = actuals(trace, origin, steps)
            score.tally.add(truth, rows)
            score.base.add(truth, base_rows[origin][0])
            # Who has no distribution of the maximum gives the highest points of its quantiles.
            median, high = highest or (max(row[0] for row in rows), max(row[1] for row in rows))
            score.maxima.add(truth, median, high)
        say(f"{trace.name}, {horizon // 60} min: {name} at {len(mine)} origins, {score.cpu_ms:.0f} ms each")
    return scores


def answered(prescale, trace, origins, horizon, score):
    before = prescale.cpu_s
    answers = prescale.forecasts(trace, origins, horizon)
    score.cpu_s += prescale.cpu_s - before
    score.origins += len(origins)
    return answers


def flash(trace, methods, prescale, crowds=12, base="last_value"):
    """The flash crowd: the next hour, every five minutes of it, against the last value. By method: (once it has begun, with the half hour before)."""
    step_min, steps = trace.step_s / 60, trace.steps(HOUR_S)
    scores = {name: (Score(), Score()) for name in methods}
    for start in scoring.flash_starts(len(trace.values), step_min, crowds):
        crowd = trace.with_values(scoring.crowded(trace.values, start, step_min))
        origins = scoring.flash_origins(start, step_min)
        # One call: the history begins with the same row for all origins of a crowd.
        first = trace.history(origins[0])
        base_rows = {origin: ask_peer(base, crowd, origin, steps, first)[0] for origin in origins}
        answers = prescale.forecast(crowd, first, origins, HOUR_S) if OURS in methods else {}
        for name, (begun, whole) in scores.items():
            for origin in origins:
                if name == OURS:
                    rows = answers[origin].rows
                else:
                    rows = base_rows[origin] if name == base else ask_peer(name, crowd, origin, steps, first)[0]
                truth = actuals(crowd, origin, steps)
                for score in (begun, whole) if origin > start else (whole,):
                    score.tally.add(truth, rows)
                    score.base.add(truth, base_rows[origin])
    say(f"{trace.name}: flash crowds done")
    return scores


def cost(trace, prescale, origins=48):
    """CPU of a series of 21 days at one minute [ms per origin], many origins in one call: (24 h, the same by the command's own clock, 1 h alone).

    A forecast of 24 h holds the next hour's, which is checked here.
    """
    rows = 21 * DAY_S // trace.step_s
    last = len(trace.values) - 1
    # The last day's origins, half-hourly: 21 days of history at the first of them, 22 at the last.
    asked = list(range(last - DAY_S // trace.step_s, last, max(1, DAY_S // trace.step_s // origins)))[:origins]
    if asked[0] + 1 < rows:
        return None
    found, answers = {}, {}
    for horizon in (DAY_S, HOUR_S):
        timer = Prescale(prescale.binary, prescale.model)
        timer.left_out = prescale.left_out
        answers[horizon] = timer.forecast(trace, asked[0] + 1 - rows, asked, horizon)
        found[horizon] = timer.cpu_s / timer.answered * 1e3
    for origin, hour in answers[HOUR_S].items():
        if answers[DAY_S][origin].rows[: len(hour.rows)] != hour.rows:
            raise ValueError(f"{trace.name} at {trace.text(origin)}: the next hour is another one if the day is asked for")
    own_clock = sum(answer.cpu_ms for answer in answers[DAY_S].values()) / len(asked)
    say(f"{trace.name}: CPU measured")
    return found[DAY_S], own_clock, found[HOUR_S]


def warm_up(methods):
    """Each peer once on a toy: compiling and importing isn't counted."""
    import numpy as np

    wave = 50 + 20 * np.sin(np.arange(24 * 22) / 24 * 2 * np.pi) + np.arange(24 * 22) % 7
    task = peers.Task(wave, datetime(2026, 1, 1, tzinfo=timezone.utc), 3600, 24, 24)
    for name in methods:
        if name != OURS:
            peers.run(name, task)


def say(text):
    print(text, file=sys.stderr, flush=True)
