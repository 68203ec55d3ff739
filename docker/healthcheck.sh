#!/bin/bash
# Healthy: the server answers a query and can load the extension's library.
set -euo pipefail
user=${POSTGRES_USER:-postgres}
answer=$(psql --no-psqlrc -XAtq --username "$user" --dbname "${POSTGRES_DB:-$user}" \
	-c "SELECT '[1,2]'::vector <-> '[1,4]'::vector")
[ "$answer" = 2 ]
