#!/bin/bash
# make lint: clang-tidy over the core and its tests, clang-format without writing.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh lint
build=$(mktemp -d "${TMPDIR:-/tmp}/quiver-lint.XXXXXX")
trap 'rm -rf "$build"' EXIT
cmake -S . -B "$build" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_BUILD_TYPE=Debug >/dev/null
mapfile -t sources < <(find src/core -name '*.cpp' | sort)
printf '%s\0' "${sources[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build"
scripts/cpp-files.sh | xargs -0 clang-format --dry-run -Werror
