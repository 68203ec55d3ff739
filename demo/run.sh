#!/bin/bash
# make demo: Fashion-MNIST in a throwaway cluster, from load to recall table and HTML page.
#
# Needs nothing prepared, leaves nothing but demo/out/fashion.html (and Debian's packages).
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd -P)
JOBS=${JOBS:-$(nproc)}
START=$SECONDS
DATA=/usr/share/datasets/fashion-mnist

echo "Quiver demo"
"$SOURCE/scripts/install-deps.sh" demo
. "$SOURCE/scripts/throwaway-cluster.sh"
throwaway_begin demo
cd "$WORK"

compile() {
	local log=$WORK/build.log
	as_server_user make -C "$WORK/tree" -j "$JOBS" PG_CONFIG="$PRIVATE_PG_CONFIG" install >"$log" 2>&1 &&
		as_server_user env PG_CONFIG="$(system_pg_config)" "$WORK/tree/demo/build.sh" "$WORK/fashion_demo" >>"$log" 2>&1 ||
		{ tail -n 60 "$log" >&2; return 1; }
}

echo "  compile the extension and the demo's client (a minute or so) ..."
copy_tree "$WORK/tree"
private_server
compile
echo "  compiled ($((SECONDS - START)) s)"

# Room for table and index in memory; everything else as it comes.
cluster_start data "shared_buffers = '1GB'" 'fsync = off'

as_server_user "$WORK/fashion_demo" "$DATA" "$WORK/fashion.html"
mkdir -p "$SOURCE/demo/out"
cp "$WORK/fashion.html" "$SOURCE/demo/out/fashion.html"
echo "  page: $SOURCE/demo/out/fashion.html"
echo "  total: $((SECONDS - START)) s; the cluster is gone, the packages stay"
