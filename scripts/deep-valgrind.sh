#!/bin/bash
# deep-valgrind.sh: the quick SQL tests on a server that runs under valgrind (scripts/memory-server.sh).  Any use of memory
# that is freed, not allocated or not yet written fails it; so do palloc's chunks, and shared buffers without a pin.
#
# Valgrind makes a server some 20 to 50 times as slow and knows no AVX-512.  QUIVER_REGRESS names other tests than these.
# Ends with check.sh's table of counts.
set -euo pipefail
SOURCE=$(cd "$(dirname "$0")/.." && pwd -P)
"$SOURCE/scripts/install-deps.sh" deep
. "$SOURCE/scripts/throwaway-cluster.sh"
archive=$("$SOURCE/scripts/memory-server.sh")
throwaway_begin valgrind
tar -C "$WORK" -xf "$archive"
as_server_user mkdir "$WORK/reports"

# Those that take more than a second or two on an ordinary server.
slow=' ddl_options ddl_partitions index_exact_order index_settings index_sizes planner_bounds planner_cost planner_random tenancy_members
	tenancy_partitions tenancy_plans tenancy_setting '
tests=()
for file in "$SOURCE"/sql/*.sql; do
	name=$(basename "$file" .sql)
	[[ $slow == *[[:space:]]"$name"[[:space:]]* ]] || tests+=("$name")
done
export QUIVER_REGRESS=${QUIVER_REGRESS:-${tests[*]}}

# check.sh starts its server through this; backends are forks of it.
cat >"$WORK/server" <<WRAPPER
#!/bin/sh
exec valgrind --quiet --leak-check=no --error-limit=no --suppressions="$WORK/pgsql/share/valgrind.supp" \\
	--error-markers=VALGRINDERROR-BEGIN,VALGRINDERROR-END --log-file="$WORK/reports/%p" "\$PRIVATE_BIN/postgres" "\$@"
WRAPPER
chmod 755 "$WORK/server"

# It was built elsewhere: its programs find their libpq here.
export PG_CONFIG=$WORK/pgsql/bin/pg_config LD_LIBRARY_PATH=$WORK/pgsql/lib SERVER_PROGRAM=$WORK/server QUIVER_DEEP=
status=0
"$SOURCE/scripts/check.sh" regress || status=$?

# Each process wrote a file, empty where there was nothing to say.
if [ -z "$(ls "$WORK/reports")" ]; then
	echo "FAILED: valgrind was not there"
	status=1
elif grep -lq VALGRINDERROR-BEGIN "$WORK"/reports/*; then
	grep -h -A 30 VALGRINDERROR-BEGIN "$WORK"/reports/* | head -n 200
	echo "FAILED: valgrind has $(cat "$WORK"/reports/* | grep -c VALGRINDERROR-BEGIN) reports"
	status=1
fi
exit "$status"
