"""What others would do, with the settings that somebody who knows them would choose.

Each peer is a function of `Task` that returns a row of quantiles (at `LEVELS`) for each step. Gaps are bridged by straight lines; what is
below zero is cut to zero.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from scoring import LEVELS

# The interval whose upper end is each level above the median.
INTERVALS = [80, 90, 98]


@dataclass
class Task:
    """History up to and with the origin, without gaps, and what is asked of it."""

    values: np.ndarray
    start: datetime
    step_s: int
    day: int
    steps: int


def _table(answer):
    """statsforecast's answer as rows."""
    columns = [answer["mean"]] + [answer[f"hi-{level}"] for level in INTERVALS]
    return np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)


def last_value(task):
    from statsforecast.models import Naive

    return _table(Naive().forecast(y=task.values, h=task.steps, level=INTERVALS))


def seasonal_naive_day(task):
    from statsforecast.models import SeasonalNaive

    return _table(SeasonalNaive(season_length=task.day).forecast(y=task.values, h=task.steps, level=INTERVALS))


def seasonal_naive_week(task):
    from statsforecast.models import SeasonalNaive

    season = task.day * 7
    if len(task.values) <= season + 1:
        return seasonal_naive_day(task)
    return _table(SeasonalNaive(season_length=season).forecast(y=task.values, h=task.steps, level=INTERVALS))


def recent(task):
    """What a smoother is fitted to: the whole history, at steps below 15 minutes the last three days (Theta takes minutes for 30,000 rows)."""
    return task.values[-3 * task.day :] if task.step_s < 900 else task.values


def auto_ets(task):
    """ETS can't have seasons longer than 24, so days only for hourly series. Multiplicative errors, which its default allows, explode over a day
    near zero (5 × 10²¹ times the base's loss on one series), so additive ones."""
    from statsforecast.models import AutoETS

    values = recent(task)
    season = task.day if task.day <= 24 else 1
    return _table(AutoETS(season_length=season, model="AZZ").forecast(y=values, h=task.steps, level=INTERVALS))


def dot_theta(task):
    from statsforecast.models import DynamicOptimizedTheta

    return _table(DynamicOptimizedTheta(season_length=task.day).forecast(y=recent(task), h=task.steps, level=INTERVALS))


def mstl_ets(task):
    """Seasons of a day and, with two of them, of a week; the rest by AutoETS, as the library's guide has it."""
    from statsforecast.models import MSTL, AutoETS

    seasons = [task.day] + [task.day * 7] * (len(task.values) >= 2 * task.day * 7)
    model = MSTL(season_length=seasons, trend_forecaster=AutoETS(model="ZZN"))
    return _table(model.forecast(y=task.values, h=task.steps, level=INTERVALS))


def prophet(task):
    """Daily and weekly seasonality, Prophet's own quantiles from 1,000 samples."""
    import logging

    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    times = pd.date_range(task.start.replace(tzinfo=None), periods=len(task.values) + task.steps, freq=pd.Timedelta(seconds=task.step_s))
    weekly = len(task.values) >= 14 * task.day
    model = Prophet(daily_seasonality=True, weekly_seasonality=weekly, yearly_seasonality=False, uncertainty_samples=1000)
    model.fit(pd.DataFrame({"ds": times[: len(task.values)], "y": task.values}), seed=1)
    samples = model.predictive_samples(pd.DataFrame({"ds": times[len(task.values) :]}))["yhat"]
    return np.quantile(samples, LEVELS, axis=1).T


def lightgbm(task):
    """One quantile regression per level: logarithms relative to the last day's mean, the same time of past days and the week, lead, time."""
    from lightgbm import Dataset, train

    positive = task.values[task.values > 0]
    unit = 0.2 * np.median(positive) if len(positive) else 1.0
    logs = np.log1p(np.maximum(task.values, 0) / unit)
    length, day, steps = len(logs), task.day, task.steps
    lags = [day * k for k in (1, 2, 3, 7) if day * (k + 3) <= length]
    sums = np.concatenate([[0.0], np.cumsum(logs)])
    hour = max(1, day // 24)
    first_s = (task.start.weekday() * 86_400) + task.start.hour * 3600 + task.start.minute * 60

    def features(origins, leads):
        def mean(end, size):
            return (sums[end] - sums[end - size]) / size

        level = mean(origins + 1, day)
        columns = [leads, logs[origins] - level, mean(origins + 1, hour) - level, level]
        target = origins + leads
        for lag in lags:
            at = target - lag
            columns.append(logs[at] - level)
            # The hour around that time, as far as it was known.
            columns.append(mean(np.minimum(at + 1 + hour // 2, origins + 1), hour) - level)
            columns.append(mean(origins + 1 - lag, hour) - level)
        seconds = first_s + target * task.step_s
        columns += [seconds // 900 % 96, seconds // 86_400 % 7]
        return np.stack(columns, axis=1), level

    rows_wanted = 20_000
    first = max(lags) + day
    every = max(1, (length - steps - first) * min(steps, 12) // rows_wanted)
    starts = np.arange(first, length - steps, every)
    # The same for every run; leads over the whole horizon at each origin.
    rng = np.random.default_rng(1)
    origins = np.repeat(starts, min(steps, 12))
    leads = rng.integers(1, steps + 1, size=len(origins))
    x, level = features(origins, leads)
    y = logs[origins + leads] - level
    ask, at = features(np.full(steps, length - 1), np.arange(1, steps + 1))
    settings = {
        "objective": "quantile", "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 40, "bagging_fraction": 0.8,
        "bagging_freq": 1, "num_threads": 1, "seed": 1, "deterministic": True, "force_col_wise": True, "verbose": -1,
    }  # fmt: skip
    data = Dataset(x, y, params=settings)
    models = [train(settings | {"alpha": level}, data, num_boost_round=120) for level in LEVELS]
    return np.stack([np.expm1(model.predict(ask) + at) * unit for model in models], axis=1)


BASE = "seasonal_naive_day"
ALL = {
    "last_value": last_value,
    "seasonal_naive_day": seasonal_naive_day,
    "seasonal_naive_week": seasonal_naive_week,
    "auto_ets": auto_ets,
    "dot_theta": dot_theta,
    "mstl_ets": mstl_ets,
    "prophet": prophet,
    "lightgbm": lightgbm,
}
FAST = {"last_value", "seasonal_naive_day", "seasonal_naive_week"}
# The next hour at its own step: 30,000 rows of history. Neither is made for it, and MSTL takes minutes an origin.
NOT_NEXT_HOUR = {"prophet", "mstl_ets"}


def run(name, task):
    """Quantiles that are never negative, never cross and are numbers."""
    rows = np.asarray(ALL[name](task), dtype=float)
    if rows.shape != (task.steps, len(LEVELS)) or not np.isfinite(rows).all():
        raise ValueError(f"{name}: no finite quantiles")
    return np.maximum.accumulate(np.maximum(rows, 0), axis=1).tolist()
