#!/bin/bash
# test-steps.sh [PG_CONFIG]: the steps of docker/Dockerfile without a container engine.
#
# Builds with docker/build.sh, lays the result over a copy of the server as COPY would, makes a cluster, runs
# docker/initdb.d as the official entry point does, and asks docker/healthcheck.sh.  First, that the Dockerfile has no
# step that this test does not know.
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd -P)
export PG_CONFIG=${1:-${PG_CONFIG:-/usr/lib/postgresql/${PG_MAJOR:-15}/bin/pg_config}}
. "$SOURCE/scripts/throwaway-cluster.sh"

known='ARG POSTGRES=postgres:15-bookworm
FROM ${POSTGRES} AS build
COPY . /src
RUN /src/docker/install-build-deps.sh
RUN /src/docker/build.sh /out
FROM ${POSTGRES}
COPY --from=build /out/ /
COPY docker/initdb.d/ /docker-entrypoint-initdb.d/
COPY docker/healthcheck.sh /usr/local/bin/quiver-healthcheck
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["quiver-healthcheck"]'
if ! diff <(echo "$known") <(grep -vE '^(#|$)' "$SOURCE/docker/Dockerfile"); then
	echo "docker/Dockerfile has steps that docker/test-steps.sh does not run" >&2
	exit 1
fi
for script in "$SOURCE"/docker/*.sh "$SOURCE"/docker/initdb.d/*.sh; do
	[ -x "$script" ] || { echo "\"$script\" is not executable" >&2; exit 1; }
	bash -n "$script"
done

throwaway_begin docker
cd "$WORK"

# COPY . /src
copy_tree "$WORK/src"
# RUN build.sh /out
echo "build.sh"
as_server_user "$WORK/src/docker/build.sh" "$WORK/out" "$(system_pg_config)" >"$WORK/build.log" 2>&1 ||
	{ tail -n 40 "$WORK/build.log" >&2; exit 1; }
(cd "$WORK/out" && find . -type f | sort)

# COPY --from=build /out/ / (onto a server that does not have the extension)
private_server "$WORK/image"
rm -f "$("$PRIVATE_PG_CONFIG" --pkglibdir)/quiver.so" "$("$PRIVATE_PG_CONFIG" --sharedir)"/extension/quiver*
as_server_user cp -R "$WORK/out/." "$WORK/image/"

# The entry point of the official image: initdb, a server on a socket only, the scripts, then the server proper.
cluster_start data
export PATH=$PRIVATE_BIN:$PATH POSTGRES_USER=postgres POSTGRES_DB=app
as_server_user psql -XAtqc 'CREATE DATABASE app'
echo "initdb.d"
for script in "$WORK"/src/docker/initdb.d/*; do
	case $script in
		*.sh) as_server_user "$script" ;;
		*.sql) as_server_user psql -X -v ON_ERROR_STOP=1 -f "$script" -d app ;;
		*) echo "the entry point would ignore \"$script\"" >&2; exit 1 ;;
	esac
done
echo "healthcheck.sh"
as_server_user "$WORK/src/docker/healthcheck.sh"

# What a first user would do, in the image's database and in one created later.
as_server_user psql -XAtqc 'CREATE DATABASE later'
for database in app later; do
	found=$(as_server_user psql -XAtq -v ON_ERROR_STOP=1 -d "$database" <<-'SQL'
		CREATE TABLE items (id int, embedding vector(3));
		INSERT INTO items SELECT i, ARRAY[i, i, i]::vector(3) FROM generate_series(1, 1000) i;
		CREATE INDEX ON items USING quiver (embedding vector_l2_ops);
		SET enable_seqscan = off;
		SELECT string_agg(id::text, ' ') FROM (SELECT id FROM items ORDER BY embedding <-> '[500.2,500.2,500.2]' LIMIT 3) s;
	SQL
	)
	if [ "$found" != "500 501 499" ]; then
		echo "database \"$database\" found \"$found\"" >&2
		exit 1
	fi
done
echo "the image's steps work"
