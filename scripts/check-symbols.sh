#!/bin/bash
# check-symbols.sh LIBRARY: every symbol that the library exports begins with quiver.
#
# Some servers load libraries into one global name space; a second vector_in there would bind to another extension's.
set -euo pipefail
stray=$(nm -D --defined-only "$1" | awk '{ print $NF }' |
	grep -vE '^(quiver|Quiver|pg_finfo_quiver|Pg_magic_func$|_PG_init$|_PG_fini$)' || true)
if [ -n "$stray" ]; then
	printf 'exported without the prefix "quiver":\n%s\n' "$stray" >&2
	exit 1
fi
