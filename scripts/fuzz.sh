#!/bin/bash
# fuzz.sh FOLDER SECONDS [NAME...]: builds the fuzzers of test/fuzz in FOLDER with clang and runs each of them, or those
# named, for so long, as many at a time as there are processors.
#
# Prints a line "ok NAME" or "not ok NAME" for each, and of one that failed its last output, with the input in base64.
# QUIVER_FUZZ_SEED is libFuzzer's seed, 1 unless given: the same again tries the same inputs.  CLANGXX and CLANG are the
# compilers.
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd -P)
folder=$1
seconds=$2
shift 2
seed=${QUIVER_FUZZ_SEED:-1}
clangxx=${CLANGXX:-clang++}
clang=${CLANG:-clang}
jobs=${JOBS:-$(nproc)}

# What libFuzzer is told besides: inputs longer than this say nothing new.
declare -A options=(
	[fuzz_damaged_index]='-max_len=400'
	[fuzz_write_path]='-max_len=300 -len_control=0'
	[fuzz_pages]='-max_len=2000'
	[fuzz_type_text]='-max_len=400'
	[fuzz_type_wire]='-max_len=600'
	[fuzz_type_values]='-max_len=400 -len_control=0'
)

mkdir -p "$folder"
if ! { cmake -S "$source" -B "$folder" -DQUIVER_FUZZ=ON -DQUIVER_TESTS=OFF -DCMAKE_CXX_COMPILER="$clangxx" \
	-DCMAKE_C_COMPILER="$clang" -DCMAKE_BUILD_TYPE=Release && cmake --build "$folder" -j "$jobs"; } >"$folder/build.log" 2>&1; then
	tail -n 60 "$folder/build.log"
	echo "not ok build"
	exit 1
fi

# run NAME: leaves how it ended in NAME.rc.
run() {
	local name=$1 pid rc=0
	perl "$source/test/fuzz/seeds.pl" "$name" "$folder/$name.corpus"
	# shellcheck disable=SC2086 -- options are words
	"$folder/$name" ${options[$name]:-} -max_total_time="$seconds" -seed="$seed" -timeout=60 -rss_limit_mb=4096 \
		-artifact_prefix="$folder/$name." -print_final_stats=1 "$folder/$name.corpus" >"$folder/$name.log" 2>&1 &
	pid=$!
	trap 'kill "$pid" 2>/dev/null' TERM
	wait "$pid" || rc=$?
	echo "$rc" >"$folder/$name.rc"
}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for file in "$source"/test/fuzz/fuzz_*.cpp "$source"/test/fuzz/types/fuzz_*.c; do
		names+=("$(basename "${file%.c*}")")
	done
fi
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true' EXIT
for name in "${names[@]}"; do
	rm -f "$folder/$name.rc"
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
	run "$name" &
	pids+=($!)
done
wait
pids=()

status=0
for name in "${names[@]}"; do
	if [ "$(cat "$folder/$name.rc" 2>/dev/null)" = 0 ]; then
		echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") inputs," \
			"$(sed -n 's/^stat::average_exec_per_sec: *//p' "$folder/$name.log") a second, seed $seed"
	else
		tail -n 60 "$folder/$name.log"
		echo "not ok $name"
		status=1
	fi
done
exit $status
