#!/bin/bash
# memory-server.sh: builds PostgreSQL from Debian's source so that it watches its own memory: assertions, chunks that are
# checked and wiped, and requests to valgrind for each palloc and each buffer.  Prints the path of an archive of it,
# which may be unpacked anywhere (a PostgreSQL installation is relocatable); its top folder is pgsql/.
#
# The archive is kept in ${QUIVER_CACHE:-${XDG_CACHE_HOME:-~/.cache}}/quiver, by version, and found there the next time.
# Debian's security updates have no source in the main archive, so the version may be a minor one behind the server's.
set -euo pipefail
umask 022

PG_MAJOR=${PG_MAJOR:-15}
CACHE=${QUIVER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/quiver
CONFIGURE=(--enable-cassert --enable-debug --enable-tap-tests --without-readline)
FLAGS='-O1 -g -fno-omit-frame-pointer'
# Of what comes with PostgreSQL, what tests use.
CONTRIB=(amcheck auto_explain pageinspect)

work=$(mktemp -d "${TMPDIR:-/tmp}/quiver-server.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
	tail -n 30 "$work/log" >&2 || true
	echo "memory-server.sh: $1" >&2
	exit 1
}

# An apt of its own: the machine's lists and sources stay as they are.  The archive is the one that packages come from.
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" 2>/dev/null | head -n 1)
cat >source.sources <<-LIST
	Types: deb-src
	URIs: ${uri:-http://deb.debian.org/debian}
	Suites: $codename
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
LIST
mkdir -p lists/partial cache/archives/partial
own_apt=(apt-get -o "Dir::Etc::sourcelist=$work/source.sources" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$work/lists"
	-o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)

key=$(printf '%s\n' "${CONFIGURE[@]}" "$FLAGS" "${CONTRIB[@]}" | cksum | cut -d ' ' -f 1)
if ! { "${own_apt[@]}" -q update && "${own_apt[@]}" source --download-only "postgresql-$PG_MAJOR"; } >log 2>&1; then
	# Without the network, what was built last will do.
	archive=$(ls -t "$CACHE"/postgresql-"$PG_MAJOR".*-memory-"$key".tar 2>/dev/null | head -n 1)
	[ -n "$archive" ] || fail "could not fetch Debian's source of postgresql-$PG_MAJOR"
	echo "$archive"
	exit 0
fi
tarball=$(echo postgresql-"$PG_MAJOR"_*.orig.tar.bz2)
[ -f "$tarball" ] || fail "no source archive of postgresql-$PG_MAJOR came"
version=${tarball#*_}
version=${version%.orig.tar.bz2}
archive=$CACHE/postgresql-$version-memory-$key.tar
if [ -f "$archive" ]; then
	echo "$archive"
	exit 0
fi

echo "building PostgreSQL $version with assertions and valgrind's requests (some minutes, once) ..." >&2
tar -xf "$tarball"
mkdir build
cd build
# "pgsql" in the prefix keeps PostgreSQL from putting a folder of its own below each of lib, share and include.
if ! { ../postgresql-"$version"/configure -q --prefix="$work/pgsql" "${CONFIGURE[@]}" CFLAGS="$FLAGS" CPPFLAGS=-DUSE_VALGRIND &&
	make -s -j "${JOBS:-$(nproc)}" all && make -s install && make -s -C src/test/isolation install &&
	for module in "${CONTRIB[@]}"; do make -s -C "contrib/$module" install; done; } >>../log 2>&1; then
	fail "could not build PostgreSQL $version"
fi
cd ..
cp postgresql-"$version"/src/tools/valgrind.supp pgsql/share/
mkdir -p "$CACHE"
tar -cf "$archive.$$" pgsql
mv "$archive.$$" "$archive"
echo "$archive"
