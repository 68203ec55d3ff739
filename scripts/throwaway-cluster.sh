# A private copy of PostgreSQL and a cluster that vanishes with the script.  Sourced, not run:
#
#   . scripts/throwaway-cluster.sh
#   throwaway_begin name                 # sets $WORK, a new folder that is removed when the script ends
#   private_server                       # copies the server into $WORK, sets $PRIVATE_PG_CONFIG
#   cluster_start data 'setting = x' ... # sets PGHOST, PGPORT, PGUSER, PGDATABASE
#   as_server_user psql ...
#
# However the script ends (error, Ctrl-C, kill), an EXIT trap stops each cluster by its own process id and removes $WORK.
#
# Why a copy of the server: a PostgreSQL installation is relocatable, so `make install` into the copy tests exactly what
# it would put into the system, and no file of a server that someone uses is replaced, nor need the caller be root.

PG_MAJOR=${PG_MAJOR:-15}

# Servers refuse to run as root; then everything that touches one runs as the package's own user.
if [ "$(id -u)" -eq 0 ]; then
	SERVER_USER=postgres
else
	SERVER_USER=$(id -un)
fi

# Runs a command as the user that owns the servers, in the current folder if that user may enter it.
as_server_user() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u "$SERVER_USER" -- env HOME="$WORK" "$@"
	else
		"$@"
	fi
}

throwaway_begin() {
	umask 022
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/quiver-$1.XXXXXX")
	WORK=$(cd "$WORK" && pwd -P)
	CLUSTERS=()
	trap throwaway_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	chmod 755 "$WORK"
	if [ "$(id -u)" -eq 0 ]; then
		chown "$SERVER_USER:" "$WORK"
		if ! as_server_user test -w "$WORK"; then
			echo "user \"$SERVER_USER\" cannot enter \"$WORK\": set TMPDIR to a folder that all users may enter" >&2
			exit 1
		fi
	fi
}

throwaway_end() {
	local status=$? data
	trap '' INT TERM HUP
	trap - EXIT
	cd /
	for data in "${CLUSTERS[@]}"; do
		cluster_stop "$data" || true
	done
	if [ -n "${QUIVER_KEEP:-}" ]; then
		echo "kept \"$WORK\"" >&2
	else
		rm -rf "$WORK"
	fi
	exit "$status"
}

# The installation that is copied: PG_CONFIG's, else Debian's of PG_MAJOR.
system_pg_config() {
	local candidate
	for candidate in "${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}"; do
		if "$candidate" --bindir >/dev/null 2>&1; then
			command -v "$candidate"
			return
		fi
	done
	echo "could not run \"$candidate\": install postgresql-server-dev-$PG_MAJOR or set PG_CONFIG" >&2
	return 1
}

# private_server [FOLDER]: paths are kept below the folder as they are below /, so that each is found from the other's
# place.  Symbolic links (Debian has some in share) are followed, since they lead out of the copy.
private_server() {
	local root=${1:-$WORK/server} config path
	config=$(system_pg_config)
	as_server_user mkdir -p "$root"
	for path in --bindir --pkglibdir --sharedir --pkgincludedir --includedir-server; do
		path=$("$config" "$path")
		if [ ! -d "$root$path" ] && [ -d "$path" ]; then
			as_server_user mkdir -p "$root$path"
			# A dangling link (a manual page of a package that is not installed, say) is no reason to stop.
			as_server_user cp -RL --preserve=mode,timestamps "$path/." "$root$path/" 2>/dev/null || true
		fi
	done
	export PRIVATE_BIN=$root$("$config" --bindir)
	PRIVATE_PG_CONFIG=$PRIVATE_BIN/pg_config
	if [ "$("$PRIVATE_PG_CONFIG" --sharedir)" != "$root$("$config" --sharedir)" ]; then
		echo "the PostgreSQL of \"$config\" cannot be copied: \"$PRIVATE_PG_CONFIG\" does not find its own files" >&2
		return 1
	fi
}

# cluster_start FOLDER [SETTING ...]: FOLDER is created below $WORK.  The server listens on a socket in $WORK only, so
# no port can be taken and nobody else can connect.  SERVER_PROGRAM, where it is set, is started in the server's place and
# has to execute $PRIVATE_BIN/postgres.
cluster_start() {
	local data=$WORK/$1
	shift
	as_server_user "$PRIVATE_BIN/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C -N >"$WORK/initdb.log" 2>&1 ||
		{ cat "$WORK/initdb.log" >&2; return 1; }
	{
		printf "listen_addresses = ''\n"
		printf "unix_socket_directories = '%s'\n" "$WORK"
		printf 'port = 5432\n'
		printf '%s\n' "$@"
	} | as_server_user tee -a "$data/postgresql.conf" >/dev/null
	CLUSTERS+=("$data")
	as_server_user "$PRIVATE_BIN/pg_ctl" ${SERVER_PROGRAM:+-p "$SERVER_PROGRAM" -t 300} -D "$data" -l "$data.log" -w -s start ||
		{ cat "$data.log" >&2; return 1; }
	export PGHOST=$WORK PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	unset PGSERVICE PGPASSWORD PGOPTIONS
}

# cluster_stop DATA: asks, then insists.
cluster_stop() {
	local pid
	pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) || return 0
	as_server_user "$PRIVATE_BIN/pg_ctl" -D "$1" -m fast -t 20 -w -s stop >/dev/null 2>&1 && return 0
	as_server_user "$PRIVATE_BIN/pg_ctl" -D "$1" -m immediate -t 10 -w -s stop >/dev/null 2>&1 && return 0
	kill -0 "$pid" 2>/dev/null && as_server_user kill -KILL "$pid"
}

# copy_tree FOLDER: the sources, without what builds and tests leave behind, owned by the server's user.
copy_tree() {
	as_server_user mkdir -p "$1"
	tar -C "$SOURCE" --exclude=./.git --exclude=./build --exclude='./build-*' --exclude='*.o' --exclude='./src/*.d' \
		--exclude='*.so' --exclude=./results --exclude=./tmp_check --exclude=./tmp_check_iso \
		--exclude=./output_iso --exclude=./demo/out --exclude=./bench/out -cf - . |
		as_server_user tar -C "$1" --no-same-owner -xf -
}
