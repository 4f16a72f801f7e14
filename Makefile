SHELL := /bin/bash
.PHONY: setup setup-test demo test docs matrix soak properties bench-gpu lint model clean

setup:  ## install what is missing, build, write env.sh
	@scripts/setup

setup-test:
	@scripts/setup test

demo: setup  ## pick objects in the simulated cell; ARGS="picks:=20 seed:=1"
	@scripts/demo $(ARGS)

test: setup-test  ## all checks before a merge
	@scripts/test

docs: setup-test  ## the site in out/site, without warnings; ARGS="serve" shows it and follows changes
	@. scripts/paths && set +u && . env.sh && NO_MKDOCS_2_WARNING=1 mkdocs $(or $(ARGS),build --strict)

matrix: setup  ## tests without ROS under Python 3.8 and 3.12; ARGS="3.8-lowest tests/sim"
	@scripts/matrix $(ARGS)

properties: setup-test  ## what must hold of every plan, in 5,000 random scenes, as a table; ARGS="--scenes 500 --approach cone --hand suction"
	@. scripts/paths && set +u && . env.sh && OMP_NUM_THREADS=1 python3 benchmarks/properties.py $(ARGS)

soak: setup-test  ## the planner node under load, signals and lost masters, as a table; ARGS="--requests 1000"
	@. scripts/paths && set +u && . env.sh && OMP_NUM_THREADS=1 python3 benchmarks/soak.py $(ARGS)

bench-gpu: setup-test  ## kernels and whole plans on a GPU, as tables and JSON in out/; ARGS=--dry-run without one
	@. scripts/paths && set +u && . env.sh && mkdir -p out && \
	    python3 benchmarks/kernels.py --json out/kernels.json $(ARGS) && \
	    python3 benchmarks/plan_gpu.py --json out/plan_gpu.json $(ARGS)

lint: setup-test
	@scripts/test lint

model: setup  ## generate, train and write a model and its card; GRIPPER= CAMERA= MESHES= OUT=, see scripts/model
	@scripts/model

clean:  ## remove what was built here; other clones share the virtual environment, so it stays
	@. scripts/paths && rm -rf "$$workspace" "$$repo/env.sh" "$$repo/out"
