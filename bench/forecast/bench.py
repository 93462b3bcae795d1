"""`make bench-forecast`: peers and `prescale forecast` at the same origins in one run. See docs/forecast-peers.md."""

import argparse
import os
import sys
from pathlib import Path

# One thread each: CPU time is what is compared.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"

import measure
import peers
import tables
import traces
from ours import Prescale

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUNDLED = [HERE / "traces", ROOT / "server/assets/wc98_may.csv", ROOT / "predictor/testdata/nab_elb_requests.csv"]
PARTS = ("day", "hour", "coverage", "flash", "cost")
FLASH = ("wc98_may", "nasa_jul95", "twstream_aug21")


def arguments(argv=None):
    parser = argparse.ArgumentParser(prog="make bench-forecast ARGS=…", description=__doc__)
    parser.add_argument("--traces", action="append", help="folder of CSV files, or a file [default: the bundled traces]")
    parser.add_argument("--series", type=names, help="only these, by name")
    parser.add_argument("--peers", type=names, default=list(peers.ALL), help="of " + ",".join(peers.ALL))
    parser.add_argument("--parts", type=names, default=list(PARTS), help="of " + ",".join(PARTS))
    parser.add_argument("--origins", type=positive, default=10, help="a series, for the losses")
    parser.add_argument("--slow-origins", type=positive, default=10, help="of these, those at which the slow peers are asked")
    parser.add_argument("--coverage-origins", type=positive, default=40, help="a series, for coverage and maxima")
    parser.add_argument("--crowds", type=positive, default=12, help="flash crowds a series")
    parser.add_argument("--model", default="auto", help="of prescale forecast")
    parser.add_argument("--left-out", type=Path, help="folder of trees that never saw a source, from make train-model")
    parser.add_argument("--binary", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/prescale")
    parser.add_argument("--quick", action="store_true", help="3 origins, the fast peers and LightGBM, 4 series, no flash crowds")
    args = parser.parse_args(argv)
    if args.quick:
        args.origins = args.slow_origins = 3
        args.peers = [name for name in args.peers if name in peers.FAST | {"lightgbm"}]
        args.series = args.series or ["crane00", "nab_elb_requests", "nab_nyc_taxi", "nasa_jul95"]
        args.parts = [part for part in args.parts if part != "flash"]
    for given, known in ((args.peers, peers.ALL), (args.parts, PARTS)):
        unknown = set(given) - set(known)
        if unknown:
            parser.error(f"there is no {', '.join(sorted(unknown))}; allowed: {', '.join(known)}")
    if not args.binary.exists():
        parser.error(f"{args.binary} is missing: make release builds it")
    return args


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def load(args):
    """Traces with at least a week; the others say nothing about a season of a week."""
    found = traces.find(args.traces or BUNDLED)
    missing = set(args.series or []) - set(found)
    if missing:
        sys.exit(f"no trace {', '.join(sorted(missing))}; there are {', '.join(found)}")
    loaded = {name: traces.read(path) for name, path in found.items() if not args.series or name in args.series}
    for name in [name for name, trace in loaded.items() if trace.days < 7]:
        measure.say(f"{name}: shorter than a week, left out")
        del loaded[name]
    return loaded


def main():
    args = arguments()
    loaded = load(args)
    prescale = Prescale(args.binary, args.model, args.left_out)
    methods = [measure.OURS, peers.BASE] + [name for name in args.peers if name != peers.BASE]
    measure.warm_up(methods)
    counts = {name: args.origins if name in peers.FAST | {measure.OURS} else min(args.slow_origins, args.origins) for name in methods}
    fast = [name for name in methods if name in peers.FAST | {measure.OURS}]
    many = dict.fromkeys(fast, args.coverage_origins)
    next_hour = [name for name in methods if name not in peers.NOT_NEXT_HOUR]
    day, hour, coverage_day, coverage_lead, flashes, costs = {}, {}, {}, {}, {}, {}
    for name, trace in loaded.items():
        quarters = trace.resampled(900)
        if "day" in args.parts:
            day[name] = measure.rolling(quarters, traces.DAY_S, counts, methods, prescale)
        if "hour" in args.parts:
            hour[name] = measure.rolling(trace, measure.HOUR_S, counts, next_hour, prescale)
        if "coverage" in args.parts:
            coverage_day[name] = measure.rolling(quarters, traces.DAY_S, many, fast, prescale)
            coverage_lead[name] = measure.rolling(trace, measure.LEAD_S, many, fast, prescale)
        if "flash" in args.parts and name in FLASH:
            flashes[name] = measure.flash(trace, fast, prescale, args.crowds)
        if "cost" in args.parts and trace.step_s == 60:
            found = measure.cost(trace, prescale)
            costs |= {name: found} if found else {}
    print(f"{prescale.version()}, model {args.model}; {len(loaded)} series: {', '.join(loaded)}\n")
    report(methods, fast, day, hour, coverage_day, coverage_lead, flashes, costs)


def report(methods, fast, day, hour, coverage_day, coverage_lead, flashes, costs):
    def part(title, results, text):
        if results:
            print(f"### {title}\n\n{text(results)}")

    print(f"### Gates\n\n{tables.gates(day, hour, coverage_day, coverage_lead, flashes, costs)}")
    part("24 h ahead, 15-minute steps", day, lambda found: tables.by_method(found, methods))
    part("Next hour, native step", hour, lambda found: tables.by_method(found, methods))
    part("24 h, per series (rMWQL)", day, lambda found: tables.by_series(found, methods))
    part("Next hour, per series (rMWQL)", hour, lambda found: tables.by_series(found, methods))
    part("Coverage over many origins, 24 h", coverage_day, lambda found: tables.by_method(found, fast))
    part("Coverage over many origins, next 10 minutes", coverage_lead, lambda found: tables.by_method(found, fast))
    if coverage_day:
        print(f"### Coverage of prescale per series (q90/q95/q99)\n\n{tables.coverage_by_series(coverage_day, coverage_lead)}")
    part("Next day's maximum", coverage_day, lambda found: tables.maxima(found, fast))
    part("Flash crowd, next hour (MWQL relative to the last value)", flashes, lambda found: tables.flash(found, fast))


if __name__ == "__main__":
    main()
