#!/bin/bash
# Lists the C++ files whose layout .clang-format rules, ended by NUL.  Headers that C includes look as PostgreSQL's do.
set -euo pipefail
cd "$(dirname "$0")/.."
find src/core test/unit test/fakes test/fuzz test/tools bench demo -path test/fuzz/types -prune -o \( -name '*.h' -o -name '*.cpp' \) -print0 |
	xargs -0 grep -LZ '^#ifdef __cplusplus' | sort -z
