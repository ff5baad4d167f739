# Guerdon. `make demo` and `make test` do all the set-up they need; `make help` lists the rest.
# Nothing here depends on the current directory, so that `make -f <checkout>/Makefile demo TASK=mine.yaml` works as well.

MAKEFLAGS += --no-print-directory
root := $(shell cd "$$(dirname "$(strip $(MAKEFILE_LIST))")" && pwd)
swift = swift $(1) --package-path "$(root)" -c release
bin := $(root)/.build/release

TASK ?= cheetah-back
ROWS ?=
METHOD ?=
INPUTS ?= 10000000

.PHONY: help setup build demo test bench reproduce python fuzz docs clean

help:
	@echo "make demo              set up, build, and search for a reward on a MuJoCo task (TASK=$(TASK))"
	@echo "make test              set up, build, and run the tests"
	@echo "make build             set up, and build .build/release/guerdon"
	@echo "make bench             measure ours and the peers in turn (ROWS=<part of a row's name>)"
	@echo "make reproduce         every method's acceptance experiment at full scale (METHOD=<slug>)"
	@echo "make python            the C library libguerdon_reward, for pip install ./python"
	@echo "make fuzz              feed damaged reward programs to the compiler (INPUTS=$(INPUTS))"
	@echo "make docs              the library's reference as web pages in .build/docs/"
	@echo "make setup             fetch what is needed into .deps/ (scripts/setup --check says what is missing)"
	@echo "make clean             remove .build/ (not .deps/, not runs/)"

setup:
	@"$(root)/scripts/setup"

build: setup
	@$(call swift,build) --product guerdon

demo: build
	@"$(bin)/guerdon" design "$(TASK)"

# Tests are built in a folder of their own: `@testable` imports need other compiler flags, and one folder for both would
# have everything compiled anew whenever tests follow a build or a build follows tests.
# Every test is a Swift Testing one; XCTest would only add that it found none.
test: setup
	@"$(root)/Tests/SetUp/run"
	@cd "$(root)" && $(call swift,test) --scratch-path .build/tests --disable-xctest

bench:
	@"$(root)/scripts/setup" --peers
	@$(call swift,build) --product guerdon-bench
	@"$(bin)/guerdon-bench" --rows "$(ROWS)" --json bench.json

# All of them, whatever one says; ends with 1 if one failed, else with 2 if a claim did not hold.
reproduce: build
	@worst=0; for method in $(or $(METHOD),$$("$(bin)/guerdon" methods --slugs)); do \
	  "$(bin)/guerdon" reproduce "$$method" --scale full; code=$$?; \
	  case $$code in 0) ;; 2) [ $$worst = 1 ] || worst=2 ;; 130) exit 130 ;; *) worst=1 ;; esac; \
	done; exit $$worst

# The C library with everything in it that it needs of Swift, into the Python package: `pip install ./python` then carries it.
python: setup
	@$(call swift,build) --product guerdon_reward --scratch-path "$(root)/.build/library" --static-swift-stdlib \
	  -Xswiftc -static-stdlib
	@cp "$(root)"/.build/library/release/libguerdon_reward.* "$(root)/python/guerdon/"

# Damaged reward programs by the million: the compiler must answer each (INPUTS=<count>).
fuzz: setup
	@$(call swift,build) --product guerdon-fuzz
	@"$(bin)/guerdon-fuzz" --inputs $(INPUTS) --last "$(root)/runs/fuzz"

docs: build
	@"$(root)/scripts/docs"

clean:
	@rm -rf "$(root)/.build"
