"""The results as Markdown."""

import statistics

from scoring import geometric_mean

LABELS = {
    "prescale": "**prescale forecast**",
    "last_value": "last value (statsforecast Naive)",
    "seasonal_naive_day": "SeasonalNaive, day (base)",
    "seasonal_naive_week": "SeasonalNaive, week",
    "auto_ets": "AutoETS",
    "dot_theta": "DynamicOptimizedTheta",
    "mstl_ets": "MSTL + AutoETS",
    "prophet": "Prophet",
    "lightgbm": "LightGBM quantile, per series",
}


def number(value, digits=3):
    return "" if value is None else f"{value:.{digits}f}"


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def share(values):
    return "/".join(f"{value:.3f}".removeprefix("0") for value in values) if values else ""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def mean_coverage(scores):
    """Mean over series of the coverage of q.90, q.95, q.99."""
    found = [score.tally.coverage()[1:] for score in scores if score.tally.points]
    return [mean(column) for column in zip(*found)]


def by_method(results, methods):
    """`results`: series → method → score. One row a method."""
    rows = []
    for name in methods:
        scores = {series: found[name] for series, found in results.items() if name in found}
        ratios = {series: score.ratio for series, score in scores.items() if score.ratio is not None}
        if not ratios:
            continue
        worst = max(ratios, key=ratios.get)
        counts = sorted({score.origins for score in scores.values()})
        ours = [results[series]["prescale"] for series in ratios if "prescale" in results[series]]
        rows.append(
            (
                LABELS[name],
                number(geometric_mean(ratios.values())),
                f"{ratios[worst]:.2f} ({worst})",
                share(mean_coverage(scores.values())),
                number(mean(score.cpu_ms for score in scores.values()), 1),
                "–".join(map(str, counts[:1] + counts[1:][-1:])),
            )
        )
    return table(("method", "rMWQL", "worst series", "coverage q90/q95/q99", "CPU ms", "origins a series"), rows)


def by_series(results, methods):
    """Ratios, one row a series; the best of a row is bold."""
    shown = [name for name in methods if any(name in found for found in results.values())]
    rows = []
    for series, found in results.items():
        ratios = {name: found[name].ratio for name in shown if name in found}
        best = min((ratio for ratio in ratios.values() if ratio is not None), default=None)
        cells = [number(ratios.get(name), 2) for name in shown]
        rows.append([series] + [f"**{cell}**" if cell and ratios[name] == best else cell for name, cell in zip(shown, cells)])
    return table(["series"] + [LABELS[name] for name in shown], rows)


def coverage_by_series(day, lead):
    rows = []
    for series in day:
        ours = [results[series]["prescale"].tally for results in (day, lead)]
        rows.append([series] + [share(tally.coverage()[1:]) if tally.points else "" for tally in ours])
    return table(("series", "24 h", "next 10 min"), rows)


def maxima(results, methods):
    rows = []
    for name in methods:
        scores = [found[name].maxima for found in results.values() if name in found and found[name].maxima.errors]
        if scores:
            errors = statistics.median(error for score in scores for error in score.errors)
            rows.append((LABELS[name], number(errors), number(mean(score.share_below() for score in scores))))
    return table(("method", "median absolute error, all days of all series", "share of maxima below q.90"), rows)


def flash(results, methods):
    rows = []
    for name in methods:
        ratios = [number(score.ratio) if name in found else "" for found in results.values() for score in found.get(name, (None, None))]
        if any(ratios):
            rows.append([LABELS[name], *ratios])
    heads = [f"{series}, {part}" for series in results for part in ("once it has begun", "with the half hour before")]
    return table(["method", *heads], rows)


def gates(day, hour, coverage_day, coverage_lead, flashes, costs):
    """The gates of the project, as far as this run measured them."""
    ours = "prescale"
    rows = []

    def row(gate, text, must, reached):
        rows.append((gate, text, must, "yes" if reached else "no"))

    for title, results, must in (("24 h rMWQL, geometric mean", day, 0.63), ("1 h rMWQL, native step", hour, 0.475)):
        value = geometric_mean(found[ours].ratio for found in results.values() if found[ours].ratio is not None) if results else None
        if value is not None:
            row(title, f"{value:.3f}", f"≤ {must}", value <= must)
    ratios = {series: found[ours].ratio for series, found in day.items() if found[ours].ratio is not None}
    if ratios:
        worst = max(ratios, key=ratios.get)
        row("worst series, 24 h", f"{ratios[worst]:.2f} ({worst})", "≤ 1.00", ratios[worst] <= 1)
    for series, found in flashes.items():
        limit = 0.85 if series.startswith("wc98") else 1.05
        begun = found[ours][0].ratio
        if begun is not None:
            row(f"flash crowd once it has begun, {series}", f"{begun:.2f}", f"≤ {limit}", begun <= limit)
    for title, results in (("coverage over 24 h", coverage_day), ("coverage, next 10 min", coverage_lead)):
        scores = {series: found[ours] for series, found in results.items() if found[ours].tally.points}
        if not scores:
            continue
        means = mean_coverage(scores.values())
        away = max(abs(a - b) for a, b in zip(means, (0.9, 0.95, 0.99)))
        row(f"{title}, mean q90/q95/q99", share(means), "± .02", away <= 0.02)
        apart = {
            series: max(abs(a - b) for a, b in zip(score.tally.coverage()[1:], (0.9, 0.95, 0.99))) for series, score in scores.items()
        }
        worst = max(apart, key=apart.get)
        outside = sum(value > 0.07 for value in apart.values())
        row(f"{title}, each series", f"worst {apart[worst]:.3f} away ({worst}); {outside} of {len(apart)} outside", "± .07", not outside)
    peaks = [found[ours].maxima for found in coverage_day.values() if found[ours].maxima.errors]
    if peaks:
        error = statistics.median(error for peak in peaks for error in peak.errors)
        below = mean(peak.share_below() for peak in peaks)
        row("next day's maximum: median error", number(error), "≤ .12", error <= 0.12)
        row("next day's maximum: below its q.90", f"{below:.1%}", "85–95 %", 0.85 <= below <= 0.95)
    if costs:
        day, own, hour = (mean(cost[i] for cost in costs.values()) for i in range(3))
        row("CPU a series: fit, next hour and 24 h in one call, 21 days at 1 min, with reading and printing", f"{day:.1f} ms", "≤ 5 ms", day <= 5)
        row("the same by the command's own clock (`cpu_ms`)", f"{own:.1f} ms", "≤ 5 ms", own <= 5)
        # The same work twice: no gate, but what one pays who asks so.
        rows.append(("the same in two calls, of which each fits", f"{day + hour:.1f} ms ({day:.1f} + {hour:.1f})", "", ""))
    return table(("gate", "measured", "must", "reached"), rows)
