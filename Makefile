# Quiver: PGXS builds, installs and tests the shared library; CMakeLists.txt builds the PostgreSQL-free core alone.
#
#   make                 build quiver.so and the install script with the pg_config in PATH (or PG_CONFIG=...)
#   make install         install them into that server
#   make installcheck    SQL and isolation tests against a running server, TAP tests against servers of their own
#   make check           everything, on a bare Debian 12: install what it needs, build, all tests (CI runs this)
#   make check-deep      the same with slower variants, longer fuzzing, and servers whose memory is watched; tests see
#                        QUIVER_DEEP=1
#   make demo            Fashion-MNIST from load to recall table and HTML page, in a throwaway cluster
#   make lint, format    clang-tidy and clang-format over the C++ sources (PostgreSQL-style C headers left alone)
#   make WERROR=         build with warnings that do not stop it (newer compilers find new ones)

# Goals that need no PostgreSQL to begin with.  They leave PGXS out: on a bare machine there is none yet, and pgxs.mk
# defines a "check" of its own that only refuses.
QUIVER_DRIVERS = check check-deep demo lint format check-tree help

ifneq ($(filter $(QUIVER_DRIVERS),$(MAKECMDGOALS)),)

.PHONY: $(MAKECMDGOALS)

check:
	@scripts/check.sh

check-deep:
	@QUIVER_DEEP=1 scripts/check.sh

demo:
	@demo/run.sh

check-tree:
	@scripts/check-tree.sh

lint:
	@scripts/lint.sh

format:
	scripts/cpp-files.sh | xargs -0 clang-format -i

help:
	@sed -n '3,/^$$/s/^#  \{0,1\}//p' Makefile

# Other goals of the same command (make clean check) go through PGXS in a make of their own.
$(filter-out $(QUIVER_DRIVERS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

else

# Variables of our own begin with QUIVER_: Makefile.global and Makefile.shlib have hundreds of names, and a clash such
# as INSTALL_SCRIPT would be expanded, by clean and install too, to a path outside this tree.
EXTENSION = quiver
QUIVER_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" quiver.control)
MODULE_big = quiver

# The same glob as in CMakeLists.txt: a new file is found, not listed.
QUIVER_CORE_OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard src/core/*.cpp src/core/*/*.cpp)))
QUIVER_C_OBJS := $(patsubst %.c,%.o,$(sort $(wildcard src/types/*.c src/am/*.c)))
OBJS = $(QUIVER_CORE_OBJS) $(QUIVER_C_OBJS)

# The install script is its pieces in the order of their names; pieces of an upgrade are files of their own.
QUIVER_SQL_PIECES := $(sort $(wildcard src/sql/*.sql))
QUIVER_SQL := quiver--$(QUIVER_VERSION).sql
DATA_built = $(QUIVER_SQL)
DATA = $(wildcard src/sql/upgrade/quiver--*--*.sql)

# scripts/check-tree.sh fails where a test file escapes these globs.
REGRESS := $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=quiver
ISOLATION := $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --load-extension=quiver
TAP_TESTS = 1
PROVE_TESTS ?= test/t/*.pl

WERROR ?= -Werror
QUIVER_WARNINGS = -Wall -Wextra $(WERROR)
QUIVER_INCLUDES = -I$(srcdir)/src/core -I$(srcdir)/src

PG_CPPFLAGS = $(QUIVER_INCLUDES)
# PostgreSQL's callbacks and headers leave parameters and trailing fields unused by design.
PG_CFLAGS = $(QUIVER_WARNINGS) -Wno-unused-parameter -Wno-missing-field-initializers -ffp-contract=off -MMD -MP
PG_CXXFLAGS = -std=c++20 -fno-exceptions -fno-rtti -ffp-contract=off $(QUIVER_WARNINGS) -MMD -MP
SHLIB_LINK += -lstdc++ -lm
# Options of sanitizers, for the compilers and the linker alike (scripts/deep-sanitized.sh).
PG_CFLAGS += $(QUIVER_SANITIZE)
PG_CXXFLAGS += $(QUIVER_SANITIZE)
SHLIB_LINK += $(QUIVER_SANITIZE)
EXTRA_CLEAN = $(OBJS:.o=.d) quiver--*.sql build

# Bitcode of C++ would be compiled by clang without PG_CXXFLAGS; inlining it into queries would gain nothing anyway.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifeq ($(PGXS),)
$(error $(PG_CONFIG) finds no server development files: install postgresql-server-dev-15 (scripts/install-deps.sh build does), or say make PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

# The core sees neither PostgreSQL's headers nor its options, is hidden but for what the SQL functions need (and those
# are C), and is optimised past the server's -O2, which comes late on the command line and would win.
$(QUIVER_CORE_OBJS): override CPPFLAGS = $(QUIVER_INCLUDES) -D_FORTIFY_SOURCE=2
$(QUIVER_CORE_OBJS): override CXXFLAGS += -O3 -fvisibility=hidden -fvisibility-inlines-hidden

$(OBJS): Makefile
-include $(OBJS:.o=.d)

$(QUIVER_SQL): $(QUIVER_SQL_PIECES) quiver.control Makefile
	@printf '%s\n' '\echo Use "CREATE EXTENSION quiver" to load this file. \quit' > $@.tmp
	cat $(QUIVER_SQL_PIECES) >> $@.tmp
	@mv $@.tmp $@

endif
