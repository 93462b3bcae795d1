"""Series from files: `timestamp,value`, one row a step, missing rows are gaps. Standard library only."""

import csv
import gzip
import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

DAY_S = 86_400


@dataclass
class Trace:
    """A series on a regular grid; `None` is a gap."""

    name: str
    start: datetime
    step_s: int
    values: list

    def time(self, row):
        return self.start + timedelta(seconds=self.step_s * row)

    def text(self, row):
        return self.time(row).strftime("%Y-%m-%dT%H:%M:%SZ")

    @cached_property
    def stamps(self):
        return [self.text(row) for row in range(len(self.values))]

    @property
    def day(self):
        """Rows a day."""
        return DAY_S // self.step_s

    @property
    def days(self):
        return len(self.values) * self.step_s / DAY_S

    def steps(self, seconds):
        """Rows of a horizon, at least one."""
        return max(1, math.ceil(seconds / self.step_s))

    def history(self, origin, most_s=None):
        """First row that is shown at an origin: at most three weeks (eight for hourly series) or `most_s`."""
        most_s = most_s or (56 if self.step_s >= 3600 else 21) * DAY_S
        return max(0, origin + 1 - most_s // self.step_s)

    def resampled(self, step_s):
        """Means over longer steps, counted from the first row; the series itself where its own step is not shorter."""
        if self.step_s >= step_s or step_s % self.step_s:
            return self
        size = step_s // self.step_s
        means = []
        # What is left over at the end is no whole step.
        for i in range(0, len(self.values) - size + 1, size):
            seen = [value for value in self.values[i : i + size] if value is not None]
            means.append(sum(seen) / len(seen) if seen else None)
        return Trace(self.name, self.start, step_s, means)

    def with_values(self, values):
        return Trace(self.name, self.start, self.step_s, values)

    def csv(self, first, end):
        """Rows first … end−1 as the text that `prescale forecast` reads."""
        rows = (f"{self.stamps[i]},{self.values[i]!r}" for i in range(first, end) if self.values[i] is not None)
        return "timestamp,value\n" + "\n".join(rows) + "\n"


def bridged(values):
    """Gaps filled by straight lines, at the ends by the nearest value: what a method gets that can't have gaps."""
    known = [i for i, value in enumerate(values) if value is not None]
    if not known:
        return [0.0] * len(values)
    filled = [values[known[0]]] * known[0]
    for here, there in zip(known, known[1:]):
        rise = (values[there] - values[here]) / (there - here)
        filled += [values[here] + rise * i for i in range(there - here)]
    return filled + [values[known[-1]]] * (len(values) - known[-1])


def on_grid(name, rows):
    """A trace of (time, value) rows: the commonest distance is the step."""
    rows = sorted(rows)
    step_s = Counter(round((b[0] - a[0]).total_seconds()) for a, b in zip(rows, rows[1:])).most_common(1)[0][0]
    start = rows[0][0]
    at = [round((time - start).total_seconds() / step_s) for time, _ in rows]
    values = [None] * (at[-1] + 1)
    for i, (_, value) in zip(at, rows):
        values[i] = value
    return Trace(name, start, step_s, values)


def read(path):
    path = Path(path)
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)
    with opened as file:
        rows = [
            (datetime.fromisoformat(row["timestamp"]).astimezone(timezone.utc), float(row["value"])) for row in csv.DictReader(file)
        ]
    return on_grid(path.name.split(".")[0], [row for row in rows if math.isfinite(row[1])])


def find(folders):
    """All traces of the folders and files, by name; the first of a name counts."""
    found = {}
    for folder in map(Path, folders):
        for path in sorted(folder.glob("*.csv*")) if folder.is_dir() else [folder]:
            found.setdefault(path.name.split(".")[0], path)
    return dict(sorted(found.items()))
