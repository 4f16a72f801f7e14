SHELL := /bin/bash
.PHONY: setup demo test lint model clean

setup:  ## install what is missing, build, write env.sh
	@scripts/setup

demo: setup  ## pick objects in the simulated cell; ARGS="picks:=20 seed:=1"
	@scripts/demo $(ARGS)

test: setup  ## everything that is checked before a merge
	@scripts/test

lint: setup
	@scripts/test lint

model: setup  ## generate, train and write a model and its card; GRIPPER= CAMERA= MESHES= OUT=, see scripts/model
	@scripts/model

clean:  ## all that was built here; the virtual environment stays, other clones use it
	@. scripts/paths && rm -rf "$$workspace" "$$repo/env.sh" "$$repo/out"
