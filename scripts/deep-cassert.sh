#!/bin/bash
# deep-cassert.sh: the SQL, isolation and TAP tests on a server with assertions (scripts/memory-server.sh), whose memory
# is checked when it is freed and wiped.  Ends with check.sh's table of counts.
set -euo pipefail
SOURCE=$(cd "$(dirname "$0")/.." && pwd -P)
"$SOURCE/scripts/install-deps.sh" deep
. "$SOURCE/scripts/throwaway-cluster.sh"
archive=$("$SOURCE/scripts/memory-server.sh")
throwaway_begin cassert
tar -C "$WORK" -xf "$archive"
# It was built elsewhere: its programs find their libpq here.
export PG_CONFIG=$WORK/pgsql/bin/pg_config LD_LIBRARY_PATH=$WORK/pgsql/lib QUIVER_DEEP=
"$SOURCE/scripts/check.sh" regress isolation tap
