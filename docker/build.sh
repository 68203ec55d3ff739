#!/bin/bash
# build.sh OUT [PG_CONFIG]: builds the extension and installs below OUT what the image adds to the official one.
set -euo pipefail
out=$1
pg_config=${2:-pg_config}
cd "$(dirname "$0")/.."
make clean PG_CONFIG="$pg_config"
make -j "$(nproc)" PG_CONFIG="$pg_config"
make install DESTDIR="$out" PG_CONFIG="$pg_config"
strip --strip-unneeded "$out$("$pg_config" --pkglibdir)/quiver.so"
