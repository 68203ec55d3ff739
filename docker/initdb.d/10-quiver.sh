#!/bin/bash
# Run once by the official image's entry point, when it makes a new cluster: the extension in the image's database, and
# in template1, so that databases created later have it as well.
set -euo pipefail
databases=(template1)
if [ "${POSTGRES_DB:-$POSTGRES_USER}" != template1 ]; then
	databases+=("${POSTGRES_DB:-$POSTGRES_USER}")
fi
for database in "${databases[@]}"; do
	psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname "$database" \
		-c 'CREATE EXTENSION IF NOT EXISTS quiver'
done
