# Guerdon. `make demo` and `make test` do all the set-up they need; `make help` lists the rest.

MAKEFLAGS += --no-print-directory
guerdon := .build/release/guerdon
TASK ?= cheetah-back
ROWS ?=
METHOD ?=

.PHONY: help setup build demo test bench reproduce clean

help:
	@echo "make demo              set up, build, and search for a reward on a MuJoCo task (TASK=$(TASK))"
	@echo "make test              set up, build, and run the tests"
	@echo "make build             set up, and build .build/release/guerdon"
	@echo "make bench             measure ours and the peers in turn (ROWS=<part of a row's name>)"
	@echo "make reproduce         every method's acceptance experiment at full scale (METHOD=<slug>)"
	@echo "make setup             fetch what is needed into .deps/"
	@echo "make clean             remove .build/ (not .deps/, not runs/)"

setup:
	@scripts/setup

build: setup
	@swift build -c release --product guerdon

demo: build
	@$(guerdon) design $(TASK)

test: setup
	@swift test -c release

bench:
	@scripts/setup --peers
	@swift build -c release --product guerdon-bench
	@.build/release/guerdon-bench $(if $(ROWS),--rows "$(ROWS)") --json bench.json

reproduce: build
	@for method in $(or $(METHOD),$$($(guerdon) methods --slugs)); do \
	  $(guerdon) reproduce $$method --scale full || exit $$?; done

clean:
	@rm -rf .build
