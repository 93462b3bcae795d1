# The two commands of a newcomer are `make run` and `make test`; the others are parts of them, or for releases.

CARGO ?= cargo
NPM   ?= npm
PURE  := balancer predictor simulator planner
ARGS  ?=

.PHONY: run test e2e setup peers web lint walls oracle bench bench-simulator bench-page bench-forecast bench-many traces train-model train-lstm holidays release deny clean

run: web
	$(CARGO) run --bin prescale -- demo $(ARGS)

test: web peers lint walls
	cd web && $(NPM) run check && $(NPM) test
	python3 -m unittest discover -s bench/forecast/tests
	$(CARGO) test --workspace
	cd web && $(NPM) run e2e

# The page in a real browser, against the real demo; `make test` does it with the binary that its tests were built with.
e2e: web peers
	$(CARGO) build --bin prescale
	cd web && $(NPM) run e2e

# What a fresh machine must bring. Everything else comes from the package registries.
setup:
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install Rust (https://rustup.rs)"; exit 1; }
	@rustc --version | awk -v least=$$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) '{ split($$2, has, "."); split(least, need, "."); \
		if (has[1] * 1000 + has[2] < need[1] * 1000 + need[2]) { print "Rust " $$2 " is too old: " least " or newer is needed (rustup update)"; exit 1 } }'
	@command -v cc >/dev/null || { echo "a C compiler is missing (SQLite is built from source): apt-get install gcc"; exit 1; }
	@command -v $(NPM) >/dev/null || { echo "npm is missing: install Node 20 or newer"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is missing (a part of the tests is in it): apt-get install python3"; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error("Node " + process.versions.node + " is too old: 20.19 or newer is needed"); process.exit(1); }'

# The real programs that the tests talk to (Prometheus, PostgreSQL, …).
peers:
	scripts/peers

# The page, built into web/dist and from there into the binary.
web: setup web/dist/index.html

web/node_modules/.stamp: web/package.json web/package-lock.json
	cd web && $(NPM) ci --no-fund --no-audit
	@touch $@

web/dist/index.html: web/node_modules/.stamp web/index.html web/vite.config.ts $(shell find web/src -type f 2>/dev/null)
	cd web && $(NPM) run build

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# Each pure crate builds by itself, without what its neighbours switch on.
walls:
	@for crate in $(PURE); do $(CARGO) check --quiet -p $$crate || exit 1; done

# The simulator against exact queueing theory, every row to ± 0.5 %: 5 × 10^10 requests, 45 minutes on one core, all cores are used.
oracle:
	$(CARGO) test --release -p simulator --test oracle_long

bench: web
	$(CARGO) bench --workspace --benches

# The simulator's speed with SimPy and nexosim beside it, from one run (docs/simulator-speed.md).
bench-simulator:
	CARGO="$(CARGO)" scripts/bench-simulator

# The page in headless Chromium, with 500 services that are read once a second. In the profile of `make run`.
bench-page: web
	$(CARGO) bench -p server --bench page --profile dev -- 500

# `prescale forecast` beside other forecasters at the same origins; TRACES=DIR for other traces, ARGS=--help for the rest. Hours on a slow machine, ARGS=--quick a minute.
bench-forecast: release .tools/forecast/.stamp
	.tools/forecast/bin/python bench/forecast/bench.py $(if $(TRACES),--traces $(TRACES)) $(ARGS)

.tools/forecast/.stamp: bench/forecast/requirements.txt
	python3 -m venv .tools/forecast
	.tools/forecast/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The boosted trees that predictor ships, from the traces of bench/forecast: the same bytes on every run. Beside them, for honest scores, those that never saw
# one source each: `cargo run --release -p predictor --example gates -- --left-out target/left-out target/traces`.
train-model: traces
	rm -rf target/left-out
	$(CARGO) run --release -p predictor --example train-model -- target/traces predictor/src/boosted/models.bin target/left-out

# Ten thousand services: CPU time of a forecast anew and of an update, and memory.
bench-many: traces
	$(CARGO) run --release -p predictor --example gates -- --many 10000 target/traces

traces:
	rm -rf target/traces
	mkdir -p target/traces
	for trace in bench/forecast/traces/*.csv.gz; do gunzip -c $$trace > target/traces/$$(basename $$trace .gz) || exit 1; done

# The public holidays that planner ships, from a Python package: the same bytes on every run with the version that scripts/holidays.txt pins.
holidays: .tools/holidays/.stamp
	.tools/holidays/bin/python scripts/holidays planner/src/calendar/holidays/table.txt

.tools/holidays/.stamp: scripts/holidays.txt
	python3 -m venv .tools/holidays
	.tools/holidays/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The recurrent network that predictor ships, trained by candle (its some hundred packages are built for this alone), with those that never saw one source each
# beside the trees'. One or two minutes of computing; the same bytes on every run on one kind of processor.
train-lstm: traces
	rm -rf target/left-out/*.lstm
	mkdir -p target/left-out
	$(CARGO) run --release --locked --manifest-path predictor/lstm/Cargo.toml -- target/traces predictor/src/recurrent/networks.bin target/left-out \
		predictor/src/recurrent/candle.json

release: web
	$(CARGO) build --release --bin prescale

# Licences, banned crates and sources; takes some minutes to install the first time.
deny: .tools/bin/cargo-deny
	$(CARGO) fetch --locked
	.tools/bin/cargo-deny --offline --all-features check licenses bans sources

.tools/bin/cargo-deny:
	$(CARGO) install cargo-deny --locked --no-default-features --root .tools

clean:
	$(CARGO) clean
	rm -rf web/node_modules web/dist/assets web/dist/index.html .tools
