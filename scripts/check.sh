#!/bin/bash
# make check: everything that is tested, on a bare Debian 12.  QUIVER_DEEP=1 (make check-deep) adds the slow variants.
#
#   scripts/check.sh [tree|unit|fuzz|regress|isolation|tap|programs|docker|memory ...]     all of them unless some are named
#
# Deep stages have scripts of their own, scripts/deep-*.sh, which call this one with another server: PG_CONFIG and
# SERVER_PROGRAM name it, QUIVER_SANITIZE how the extension is built for it, QUIVER_REGRESS the SQL tests, if not all.
#
# Works in a copy of the tree, with a copy of the server, as a user that is not root; neither the checkout nor the
# system's PostgreSQL is written to.  Goes on after a failure, so that one run tells all, and ends with the counts.
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd -P)
JOBS=${JOBS:-$(nproc)}
# Tests see it as well: with QUIVER_DEEP set, those that have a longer version run that.
export QUIVER_DEEP=${QUIVER_DEEP:-}
DEEP=$QUIVER_DEEP
START=$SECONDS
PARTS=" $* "

wanted() { [[ $PARTS == "  " || $PARTS == *" $1 "* ]]; }

"$SOURCE/scripts/install-deps.sh" check
. "$SOURCE/scripts/throwaway-cluster.sh"
throwaway_begin check
cd "$WORK"

TREE=$WORK/tree
LOGS=$WORK/logs
as_server_user mkdir -p "$LOGS"
copy_tree "$TREE"
private_server

KINDS=(steps unit fuzz regress isolation tap)
declare -A passed failed
for kind in "${KINDS[@]}"; do passed[$kind]=0 failed[$kind]=0; done

# count KIND PASSED FAILED
count() {
	passed[$1]=$((${passed[$1]} + $2))
	failed[$1]=$((${failed[$1]} + $3))
}

say() { printf '\n=== %s (%d s)\n' "$1" $((SECONDS - START)); }

# quietly LOG COMMAND...: the log is shown only where the command fails.
quietly() {
	local log=$LOGS/$1
	shift
	as_server_user "$@" >"$log" 2>&1 && return 0
	tail -n 60 "$log"
	return 1
}

# step NAME COMMAND...: a check that passes or fails as a whole.
step() {
	local name=$1
	shift
	say "$name"
	if "$@"; then
		count steps 1 0
		echo "ok: $name"
	else
		count steps 0 1
		echo "FAILED: $name"
	fi
}

build_extension() {
	quietly build.log make -C "$TREE" -j "$JOBS" PG_CONFIG="$PRIVATE_PG_CONFIG" QUIVER_SANITIZE="${QUIVER_SANITIZE:-}" install
}

build_bench() {
	quietly bench.log cmake -S "$TREE/bench" -B "$WORK/bench" -DCMAKE_BUILD_TYPE=Release &&
		quietly bench.log cmake --build "$WORK/bench" -j "$JOBS"
}

# A search that finds less than nine of ten rows on so small a set is broken.
run_graph() {
	local log=$LOGS/graph.log
	quietly graph-build.log cmake -S "$TREE" -B "$WORK/graph" -DQUIVER_GRAPH=ON -DQUIVER_TESTS=OFF &&
		quietly graph-build.log cmake --build "$WORK/graph" -j "$JOBS" --target quiver_graph &&
		quietly graph.log "$WORK/graph/bench/graph/quiver_graph" --cache="$WORK/graph-cache" \
			--data=synthetic:n=10000,d=100,q=100 --queries=100 --passes=1 --ef=400 --hnswlib &&
		awk -F ' *[|] *' '$2 == "quiver" && $3 == 400 { found = $4 } END { exit !(found >= 0.9) }' "$log" ||
		{ tail -n 20 "$log" 2>/dev/null; return 1; }
}

build_demo() {
	quietly demo.log env PG_CONFIG="$(system_pg_config)" "$TREE/demo/build.sh" "$WORK/fashion_demo"
}

# unit NAME RUNS CMAKE-OPTION...: CMakeLists.txt names the runs, one for each SIMD level; RUNS is a regular expression.
unit() {
	local name=$1 runs=$2 dir=$WORK/unit-$1 log=$LOGS/unit-$1.log ok bad status=0
	shift 2
	say "unit tests, $name"
	if ! quietly "unit-$name-build.log" cmake -S "$TREE" -B "$dir" -DCMAKE_BUILD_TYPE=Release "$@" ||
		! quietly "unit-$name-build.log" cmake --build "$dir" -j "$JOBS"; then
		count unit 0 1
		return
	fi
	as_server_user env ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
		ctest --test-dir "$dir" -j "$JOBS" --tests-regex "$runs" --verbose 2>&1 |
		tee "$log" | { grep --line-buffered -E '^ *[0-9]+/[0-9]+ Test +#' || true; } || status=$?
	ok=$(grep -cE '^[0-9]+: \[       OK \] ' "$log" || true)
	bad=$(grep -cE '^[0-9]+: \[  FAILED  \] .* \([0-9]+ ms\)$' "$log" || true)
	if [ "$status" -ne 0 ]; then
		grep -vE '^[0-9]+: \[( RUN      |       OK |----------)\]' "$log" | tail -n 120 || true
		# A program that crashed has no failed test to show for it.
		[ "$bad" -gt 0 ] || bad=1
	fi
	[ $((ok + bad)) -gt 0 ] || bad=1
	count unit "$ok" "$bad"
	echo "$name: $ok passed, $bad failed"
}

# fuzz SECONDS [SEED]: each fuzzer is one test.
fuzz() {
	local log=$LOGS/fuzz.log ok bad
	say "fuzzers, $1 s each"
	as_server_user env QUIVER_FUZZ_SEED="${2:-1}" JOBS="$JOBS" "$TREE/scripts/fuzz.sh" "$WORK/fuzz" "$1" 2>&1 |
		tee "$log" || true
	ok=$(grep -cE '^ok ' "$log" || true)
	bad=$(grep -cE '^not ok ' "$log" || true)
	[ $((ok + bad)) -gt 0 ] || bad=1
	count fuzz "$ok" "$bad"
	echo "fuzz: $ok passed, $bad failed"
}

# pg_regress NAME KIND PGOPTIONS [MAKE-VARIABLE]: the tests of sql/ or test/specs/ against the running cluster.
pg_regress() {
	local name=$1 kind=$2 options=$3 log=$LOGS/$1.log off diffs ok=0 bad=0
	say "$name"
	off=(TAP_TESTS= "${@:4}")
	if [ "$kind" = regress ]; then
		off+=(ISOLATION=)
		diffs=regression.diffs
	else
		off+=(REGRESS=)
		diffs=output_iso/regression.diffs
	fi
	if ! as_server_user env PGOPTIONS="$options" make -C "$TREE" PG_CONFIG="$PRIVATE_PG_CONFIG" installcheck "${off[@]}" >"$log" 2>&1; then
		grep -E 'FAILED|not ok|^# ' "$log" || tail -n 20 "$log"
		sed -n 1,200p "$TREE/$diffs" 2>/dev/null || true
		tail -n 15 "$WORK/data.log"
	fi
	ok=$(grep -cE '^(test .* ok |ok [0-9]+)' "$log" || true)
	bad=$(grep -cE '^(test .*FAILED|not ok [0-9]+)' "$log" || true)
	# A run that never came to its first test has failed as well.
	[ $((ok + bad)) -gt 0 ] || bad=1
	count "$kind" "$ok" "$bad"
	echo "$name: $ok passed, $bad failed"
}

# Sanitizers write where the server does; each report begins with one of these.
no_reports() {
	local log=$WORK/data.log
	[ -s "$log" ] && ! grep -qE 'runtime error: |ERROR: AddressSanitizer' "$log" && return 0
	grep -E -A 20 'runtime error: |ERROR: AddressSanitizer' "$log" | head -n 200
	return 1
}

# tap NAME [SETTING...]: servers of their own; the settings go to each of them.
tap() {
	local name=$1 log=$LOGS/$1.log config=$LOGS/$1.conf script ok bad
	shift
	say "$name"
	printf '%s\n' "$@" | as_server_user tee "$config" >/dev/null
	as_server_user env TEMP_CONFIG="$config" make -C "$TREE" PG_CONFIG="$PRIVATE_PG_CONFIG" installcheck REGRESS= ISOLATION= \
		PROVE_FLAGS="--timer --verbose --jobs=$JOBS" >"$log" 2>&1 || true
	ok=$(grep -cE '^ok [0-9]+' "$log" || true)
	bad=$(grep -cE '^not ok [0-9]+' "$log" || true)
	if ! grep -q '^Result: PASS' "$log"; then
		grep -E -A 8 '^not ok|^#   Failed|^died|No plan found' "$log" | head -n 80 || true
		sed -n '/^Test Summary Report/,$p' "$log" | tee "$LOGS/$name.summary"
		for script in $(sed -n 's|^test/t/\([^ ]*\)\.pl .*|\1|p' "$LOGS/$name.summary"); do
			tail -n 30 "$TREE/tmp_check/log/regress_log_$script" "$TREE/tmp_check/log/${script}"_*.log 2>/dev/null || true
		done
		# A script that died has no failed check to show for it.
		[ "$bad" -gt 0 ] || bad=1
	fi
	grep -E '^\[.*test/t/|^Files=' "$log" || true
	count tap "$ok" "$bad"
	echo "$name: $ok passed, $bad failed"
}

# deep NAME: runs scripts/deep-NAME.sh, which ends with a table like ours, and adds its counts.
deep() {
	local log=$LOGS/deep-$1.log kind ok bad counted=0 status=0
	say "deep: $1"
	"$SOURCE/scripts/deep-$1.sh" 2>&1 | as_server_user tee "$log" | sed 's/^/    /' || status=$?
	while read -r kind ok bad; do
		count "$kind" "$ok" "$bad"
		counted=$((counted + bad))
	done < <(sed -n '/^steps: /,$s/^\([a-z]*\): \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2 \3/p' "$log")
	# A stage that could not be run, or whose reports nobody's test shows, has failed too.
	if [ "$status" -eq 0 ]; then
		count steps 1 0
	elif [ "$counted" -eq 0 ]; then
		count steps 0 1
	fi
	[ "$status" -eq 0 ] && echo "ok: deep: $1" || echo "FAILED: deep: $1"
}

if wanted tree; then
	step "tree: rules that no compiler checks" as_server_user "$TREE/scripts/check-tree.sh"
fi
step "extension: build with warnings as errors, install into a copy of the server" build_extension
# Sanitizers export more.
[ -n "${QUIVER_SANITIZE:-}" ] || step "extension: exported symbols" as_server_user "$TREE/scripts/check-symbols.sh" "$TREE/quiver.so"
if wanted unit; then
	# Everything at the CPU's best level; most of it at the others, and sanitized at the best one.  In the long run
	# everything everywhere.  The kernels' own tests force every level themselves.
	if [ -n "$DEEP" ]; then
		unit release '^unit_all_' -DQUIVER_BENCH=ON
		unit asan-ubsan '^unit_all_' -DQUIVER_SANITIZE=ON
	else
		unit release '^unit_(all_.|most_.[^_].*)$' -DQUIVER_BENCH=ON
		unit asan-ubsan '^unit_most_.$' -DQUIVER_SANITIZE=ON
	fi
fi
if wanted fuzz; then
	# Each make check is the same; the long runs look further.
	if [ -n "$DEEP" ]; then fuzz 300 "$((RANDOM * 32768 + RANDOM))"; else fuzz 20; fi
fi
if wanted regress || wanted isolation; then
	step "throwaway cluster" cluster_start data 'fsync = off' "log_line_prefix = '%m [%p] %a '" 'max_connections = 40'
fi
if wanted regress; then
	pg_regress regress regress '' ${QUIVER_REGRESS:+REGRESS="$QUIVER_REGRESS"}
	if [ -n "$DEEP" ]; then
		# All but the test that prints the settings.
		tests=$(cd "$TREE/sql" && printf '%s ' *.sql | sed 's/\.sql / /g; s/\bindex_settings //')
		for level in scalar avx2; do
			pg_regress "regress-$level" regress "-c session_preload_libraries=quiver -c quiver.simd_level=$level" \
				REGRESS="$tests"
		done
	fi
fi
if wanted isolation; then
	pg_regress isolation isolation ''
fi
if [ -n "${QUIVER_SANITIZE:-}" ]; then
	step "sanitizers: no reports in the server's log" no_reports
fi
if wanted tap; then
	tap tap
	if [ -n "$DEEP" ]; then
		tap tap-wal-consistency "wal_consistency_checking = 'generic'" 'wal_keep_size = 8GB'
	fi
fi
if wanted programs; then
	step "bench: compiles" build_bench
	step "bench: the core alone" run_graph
	step "demo: compiles" build_demo
fi
if wanted docker; then
	step "docker: the image's steps, without a container engine" \
		as_server_user "$TREE/docker/test-steps.sh" "$(system_pg_config)"
fi
if [ -n "$DEEP" ] && wanted memory; then
	deep cassert
	deep valgrind
	deep sanitized
fi

printf '\n'
total_passed=0 total_failed=0
for kind in "${KINDS[@]}"; do
	printf '%s: %d passed, %d failed\n' "$kind" "${passed[$kind]}" "${failed[$kind]}"
	total_passed=$((total_passed + ${passed[$kind]}))
	total_failed=$((total_failed + ${failed[$kind]}))
done
printf 'time: %d s\n' $((SECONDS - START))
printf '%d passed, %d failed\n' "$total_passed" "$total_failed"
[ "$total_failed" -eq 0 ]
