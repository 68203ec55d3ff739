#!/bin/bash
# Installs the Debian packages that a purpose needs and that are not there yet.
#
#   scripts/install-deps.sh build|check|deep|demo|lint [...]
#
# Does nothing, quickly, when all are installed.  Otherwise needs root, or sudo.
set -euo pipefail

PG_MAJOR=${PG_MAJOR:-15}

# purpose  package  what for
packages() {
	cat <<-LIST
		build   make                            builds everything
		build   gcc                             compiles the access method and the types (C)
		build   g++                             compiles the core (C++20)
		build   libc6-dev                       C library headers
		build   postgresql-server-dev-$PG_MAJOR server headers, PGXS, pg_regress and the TAP modules
		check   postgresql-$PG_MAJOR            the server under test
		check   cmake                           builds the core and its unit tests without PostgreSQL
		check   libgtest-dev                    unit tests
		check   libeigen3-dev                   double-precision oracles of unit tests and bench driver
		check   libipc-run-perl                 TAP tests
		check   clang                           compiles the fuzzers
		check   libclang-rt-dev                 libFuzzer and the sanitizers that it runs with
		check   libpq-dev                       client of the bench driver
		check   zlib1g-dev                      the bench driver reads gzipped data sets
		check   libbenchmark-dev                micro-benchmarks (compiled, not run)
		check   libhnswlib-dev                  the bench driver's in-process reference
		check   libfaiss-dev                    the bench driver's in-process reference
		check   liblapack-dev                   Faiss links it
		check   libfmt-dev                      the bench driver's output
		deep    postgresql-$PG_MAJOR            the server that runs the sanitized extension
		deep    libipc-run-perl                 TAP tests
		deep    valgrind                        watches the server, whose build needs its headers
		deep    bzip2                           unpacks PostgreSQL's source
		deep    zlib1g-dev                      PostgreSQL's build links it
		demo    postgresql-$PG_MAJOR            the throwaway server
		demo    libpq-dev                       client of the demo
		demo    zlib1g-dev                      the demo reads the gzipped images
		demo    dataset-fashion-mnist           70,000 images of 28 x 28 pixels
		lint    clang-tidy                      static analysis
		lint    clang-format                    layout of the C++ sources
		lint    cmake                           writes the compilation database for clang-tidy
		lint    libgtest-dev                    headers of the unit tests
		lint    libeigen3-dev                   headers of the unit tests
	LIST
}

# Every purpose but lint compiles the extension.
wanted=" build "
[ $# -gt 0 ] || { echo "usage: $0 build|check|deep|demo|lint [...]" >&2; exit 2; }
for purpose in "$@"; do
	case $purpose in
		build | check | deep | demo) wanted+="$purpose " ;;
		lint) wanted+="lint " ;;
		*) echo "$0: unknown purpose \"$purpose\"" >&2; exit 2 ;;
	esac
done

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
while read -r purpose package what; do
	[[ $wanted == *" $purpose "* ]] || continue
	[[ " ${missing[*]-} " == *" $package "* ]] && continue
	if ! installed "$package"; then
		missing+=("$package")
		printf 'needs %-26s %s\n' "$package" "$what"
	fi
done < <(packages)

[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "cannot install packages: run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# On Debian, installing a server package also creates and starts a cluster "main"; where the machine's policy-rc.d
# forbids services, nothing is started.  Neither is used or touched by anything here.
install() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		-o DPkg::Lock::Timeout=120 "${missing[@]}" >"$log" 2>&1
}

echo "installing ${#missing[@]} packages from Debian ..."
# Without package lists, or with lists so old that a version is gone, the first try fails: fetch the lists then.
if ! install; then
	echo "fetching Debian's package lists ..."
	"${as_root[@]}" apt-get update -o DPkg::Lock::Timeout=120 -q >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
	install || { tail -n 40 "$log" >&2; exit 1; }
fi
