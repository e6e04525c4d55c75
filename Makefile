# The commands of the project; `make help` lists them. Everything runs from a fresh clone on Debian 12 with Swift 6.3.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec

# One configuration for building, running and testing: the tests compare whole programs with slow reference evaluators,
# so that optimized tests save more time than a second, unoptimized build of the package costs. Testable imports are on
# in both commands because a difference in flags would compile every module twice.
SWIFT_FLAGS := -c release -Xswiftc -enable-testing
PYTHON := .venv/bin/python
SPADIX := .build/release/spadix
FUZZ_SEED ?= 1
FUZZ_CASES ?= 10000
FUZZ_SECONDS ?= 1800
MACHINE_CASES ?= 100000
SCHEDULE_CASES ?= 100000
HARD_SECONDS ?= 1,5,10
QUANTIZATION_CASES ?= 10000
ONNX_CASES ?= 100000

.PHONY: help setup build run test lint fuzz fuzz-program fuzz-machine fuzz-groups fuzz-schedule fuzz-quantization fuzz-onnx check-exports figures bench-onnx bench-schedule bench-hard bench-timing examples slurm-test clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: the GLPK library and command, FileCheck, Python packages of the file tests
	@Scripts/setup.sh system
	@Scripts/setup.sh python Tests/requirements.txt

build: ## build the optimized binary, .build/release/spadix
	@Scripts/setup.sh library
	swift build $(SWIFT_FLAGS) --product spadix

run: build ## compile, run and verify the digits classifier on 500 held-out images
	$(SPADIX) verify ir-examples/digits/cnn.spx --input image=ir-examples/digits/images.npy \
	  --labels ir-examples/digits/labels.npy

test: setup ## every test: Swift unit and differential tests, then the file tests
	@Scripts/test.sh $(SWIFT_FLAGS)

lint: ## check the format of the Swift sources, imports against Package.swift, and doc comments
	swift format lint --strict --parallel --recursive Package.swift Sources Tests
	python3 Scripts/check_imports.py
	python3 Scripts/check_documentation.py

fuzz: build ## random graphs on random targets, then damaged files; FUZZ_SEED and FUZZ_CASES choose others
	$(SPADIX) fuzz --seed $(FUZZ_SEED) --count $(FUZZ_CASES) --output fuzz-failures
	python3 Scripts/fuzz_cli.py $(SPADIX) --seed $(FUZZ_SEED) --cases $$(($(FUZZ_CASES) / 5)) --keep fuzz-failures

# SwiftPM's sanitizers instrument every module; libFuzzer's own main is linked in. An input that takes 20 s is a hang.
fuzz-program: build ## libFuzzer on programs and targets for FUZZ_SECONDS seconds, with AddressSanitizer
	SPADIX_FUZZER=1 swift build -c release --sanitize fuzzer --sanitize address --product ProgramFuzzer \
	  --scratch-path .build/fuzzer
	python3 Scripts/fuzz_seeds.py $(SPADIX) .build/fuzzer/seeds
	mkdir -p .build/fuzzer/corpus fuzz-failures
	.build/fuzzer/release/ProgramFuzzer -max_total_time=$(FUZZ_SECONDS) -seed=$(FUZZ_SEED) -timeout=20 \
	  -rss_limit_mb=2048 -detect_leaks=1 -max_len=16384 -use_value_profile=1 -print_final_stats=1 \
	  -artifact_prefix=fuzz-failures/ .build/fuzzer/corpus .build/fuzzer/seeds

fuzz-groups: build ## random graphs in random groups of operators on random targets that can run them
	$(SPADIX) fuzz --groups always --seed $(FUZZ_SEED) --count $(FUZZ_CASES) --output fuzz-failures

fuzz-machine: ## MACHINE_CASES random legal programs and hardware loops: every kernel implementation against plain ones
	@Scripts/setup.sh library
	swift build $(SWIFT_FLAGS) --build-tests
	SPADIX_FUZZ_SEED=$(FUZZ_SEED) SPADIX_FUZZ_CASES=$(MACHINE_CASES) \
	  swift test $(SWIFT_FLAGS) --skip-build --filter 'SpadixMachineTests.(DifferentialTests|LoopTests)'

fuzz-schedule: ## SCHEDULE_CASES random graphs: the exact schedule against an exhaustive search
	@Scripts/setup.sh library
	swift build $(SWIFT_FLAGS) --build-tests
	SPADIX_SCHEDULE_CASES=$(SCHEDULE_CASES) swift test $(SWIFT_FLAGS) --skip-build --filter SchedulerCampaign

fuzz-quantization: ## QUANTIZATION_CASES random graphs on 8 targets: int8 operations against what they mean in float
	@Scripts/setup.sh library
	swift build $(SWIFT_FLAGS) --build-tests
	SPADIX_QUANTIZATION_CASES=$(QUANTIZATION_CASES) \
	  swift test $(SWIFT_FLAGS) --skip-build --filter QuantizationCampaign

fuzz-onnx: setup build ## ONNX_CASES damaged models; models of every form and parts of networks against ONNX Runtime
	$(PYTHON) Tests/lit/import/Inputs/seeds.py .build/onnx-seeds
	swift build $(SWIFT_FLAGS) --build-tests
	SPADIX_FUZZ_SEED=$(FUZZ_SEED) SPADIX_ONNX_CASES=$(ONNX_CASES) SPADIX_ONNX_SEEDS=$(CURDIR)/.build/onnx-seeds \
	  SPADIX_ONNX_CASE_FILE=$(CURDIR)/.build/onnx-case.onnx \
	  swift test $(SWIFT_FLAGS) --skip-build --filter ModelFuzzTests
	$(PYTHON) Tests/lit/import/Inputs/differential.py $(SPADIX) .build/onnx-forms --seed $(FUZZ_SEED) --repeats 20
	$(PYTHON) Tests/lit/import/Inputs/differential.py $(SPADIX) .build/onnx-forms --seed $(FUZZ_SEED) --repeats 3 --networks --verify spadix,gemmini

check-exports: build ## the exported C of every example, the two large networks too, issues the program's commands
	python3 Scripts/check_exports.py $(SPADIX) .build/exports $(wildcard ir-examples/*.spx ir-examples/*/*.spx)

bench-onnx: setup build ## import, compile and verify real models: the table of docs/onnx.md
	$(PYTHON) Benchmarks/onnx_models.py $(SPADIX)

figures: build ## measure the figures of docs/figures.md
	python3 Benchmarks/figures.py $(SPADIX)

bench-schedule: build ## the scheduler's benchmark: 14 networks, three budgets
	SPADIX=$(SPADIX) Benchmarks/bench-schedule.sh

bench-hard: build ## hard problems from SPADIX_HARD within HARD_SECONDS: a valid plan for each, none worse with more time or memory
	$(PYTHON) Benchmarks/bench_hard.py --spadix $(SPADIX) --seconds $(HARD_SECONDS)

bench-timing: ## the time model's speed, in operations a second of one core
	@Scripts/setup.sh library
	swift build $(SWIFT_FLAGS) --build-tests
	SPADIX_BENCHMARK=1 swift test $(SWIFT_FLAGS) --skip-build --filter SpadixTimingTests.SpeedTests

slurm-test: build ## a sweep on a private Slurm cluster of one node (needs root and Debian's slurm-wlm)
	SPADIX_SLURM=1 Scripts/slurm_test.sh $(SPADIX)

examples: ## train the digits networks and generate the whole networks again
	@Scripts/setup.sh python ir-examples/requirements.txt
	OMP_NUM_THREADS=1 $(PYTHON) ir-examples/digits/train.py
	$(PYTHON) ir-examples/generate.py

clean: ## remove what was built
	rm -rf .build .venv
