# Varve: `make demo` shows it, `make test` proves it, `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PREFIX ?= /usr/local
BUILD := .build
VARVE := $(BUILD)/release/varve
# With Swift's libraries inside: the command starts faster, and runs where Swift isn't installed.
RELEASE := swift build -c release --static-swift-stdlib --product varve

.PHONY: help setup build release lab demo test lint bench install clean

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the Debian packages that building needs (as root, or through sudo)
	@scripts/setup

release: setup ## build the command, optimised
	$(RELEASE)

build: setup ## build everything for debugging
	swift build --build-tests

lab: setup ## make the laboratory's real subjects (cached outside this tree)
	Lab/lab packages
	Lab/lab build

demo: release ## boot a VM, take a core of its QEMU and walk every layer; record one that panics and go back
	scripts/demo $(VARVE)

test: lab ## run all tests, on real dumps
	$(RELEASE)
	VARVE_BINARY=$(CURDIR)/$(VARVE) swift test --parallel

lint: ## check the style of every source file
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/VarveBenchmarks

bench: release lab ## measure against gdb, eu-stack, cp, makedumpfile, QEMU, drgn and crash
	scripts/bench
	scripts/bench-vmcore
	scripts/bench-guest
	scripts/bench-replay

install: release ## install the command, its manual and its completions under PREFIX
	scripts/install $(VARVE) "$(DESTDIR)$(PREFIX)"

clean: ## remove what was built here (the laboratory's cache stays: Lab/lab clean)
	rm -rf $(BUILD)
