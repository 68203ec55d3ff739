#!/bin/bash
# build.sh OUTPUT: compiles the demo's client.
set -euo pipefail
include=$("${PG_CONFIG:-pg_config}" --includedir)
exec "${CXX:-g++}" -std=c++20 -O3 -Wall -Wextra -Werror -isystem "$include" -o "$1" \
	"$(dirname "$0")"/*.cpp -lpq -lz -pthread
