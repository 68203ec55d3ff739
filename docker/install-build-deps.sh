#!/bin/bash
# Compiler and server headers, for the major version of the PostgreSQL that is in the image (from PGDG there).
set -euo pipefail
major=${PG_MAJOR:?set by the official image}
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	gcc g++ make libc6-dev "postgresql-server-dev-$major"
rm -rf /var/lib/apt/lists/*
