"""Forecasts by the command line of `prescale`, as a user would get them. Standard library only."""

import json
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scoring import LEVELS


@dataclass
class Answer:
    """Of one origin: a row of quantiles for each step, the day's maximum (its q.50, q.90; `None` for short horizons), CPU by its own clock."""

    rows: list
    highest: tuple | None
    cpu_ms: float


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Prescale:
    def __init__(self, binary, model="auto", left_out=None):
        self.binary = str(binary)
        self.model = model
        # Trees by the beginning of the names of the series that they never saw, as `make train-model` writes them.
        self.left_out = sorted(Path(left_out).glob("*.bin")) if left_out else []
        # CPU of the processes, reading and printing included [s], and the origins that they answered.
        self.cpu_s = 0.0
        self.answered = 0

    def version(self):
        return subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def trained(self, name):
        """What `--trained` gets for a series: nothing for one that is in no training."""
        files = [file for file in self.left_out if name.startswith(file.stem)]
        return ["--trained", str(files[0])] if files else []

    def forecast(self, trace, first, origins, horizon):
        """One call: the file begins with row `first`, all `origins` (rows) are asked of it. A dict of answers by origin."""
        steps = trace.steps(horizon)
        # Whole steps: an hourly series' next hour is one step, a ten-minute lead of it as well.
        horizon = max(horizon, trace.step_s)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{trace.name}.csv"
            file.write_text(trace.csv(first, max(origins) + 1))
            command = [self.binary, "forecast", "--input", str(file), "--at", ",".join(trace.stamps[row] for row in origins)]
            command += ["--horizon", f"{horizon}s", "--quantiles", ",".join(map(str, LEVELS)), "--model", self.model, "--format", "jsonl"]
            command += self.trained(trace.name)
            before = children_cpu_s()
            done = subprocess.run(command, capture_output=True, text=True)
        self.cpu_s += children_cpu_s() - before
        if done.returncode:
            raise ValueError(done.stderr.strip())
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.answered += len(lines)
        return {origin: self._answer(trace, origin, steps, line) for origin, line in zip(origins, lines, strict=True)}

    @staticmethod
    def _answer(trace, origin, steps, line):
        points = line["points"][:steps]
        # Answers at other times would be scored against the wrong rows.
        if len(points) != steps or points[0]["ts"] != trace.text(origin + 1) or points[-1]["ts"] != trace.text(origin + steps):
            raise ValueError(f"{trace.name} at {trace.text(origin)}: points don't match the series' rows")
        rows = [[point["q"][str(level)] for level in LEVELS] for point in points]
        highest = line.get("max", {}).get("24h", {}).get("q")
        return Answer(rows, highest and (highest["0.5"], highest["0.9"]), line["cpu_ms"])

    def forecasts(self, trace, origins, horizon):
        """As [`forecast`], each origin shown as much history as the peers are: one call for those whose history begins with the same row."""
        calls = {}
        for origin in origins:
            calls.setdefault(trace.history(origin), []).append(origin)
        answers = {}
        for first, group in calls.items():
            answers |= self.forecast(trace, first, group, horizon)
        return answers
