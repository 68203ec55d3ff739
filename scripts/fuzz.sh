#!/bin/bash
# fuzz.sh FOLDER SECONDS: builds the fuzzers of test/fuzz in FOLDER with clang and runs each of them for so long.
#
# Prints a line "ok NAME" or "not ok NAME" for each, and of one that failed its last output, with the input in base64.
# QUIVER_FUZZ_SEED is libFuzzer's seed, 1 unless given: the same again tries the same inputs.  CLANGXX is the compiler.
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd -P)
folder=$1
seconds=$2
seed=${QUIVER_FUZZ_SEED:-1}
clang=${CLANGXX:-clang++}

# What libFuzzer is told besides: inputs longer than this say nothing new.
declare -A options=(
	[fuzz_damaged_index]='-max_len=400'
	[fuzz_write_path]='-max_len=300 -len_control=0'
)

mkdir -p "$folder"
if ! { cmake -S "$source" -B "$folder" -DQUIVER_FUZZ=ON -DQUIVER_TESTS=OFF -DCMAKE_CXX_COMPILER="$clang" \
	-DCMAKE_BUILD_TYPE=Release && cmake --build "$folder" -j "${JOBS:-$(nproc)}"; } >"$folder/build.log" 2>&1; then
	tail -n 60 "$folder/build.log"
	echo "not ok build"
	exit 1
fi

# Random bytes are valid inputs of both: damage at random places, and programs of random operations.
seeds() {
	mkdir -p "$1"
	perl -e 'srand 1; for my $i (1 .. 24) { open my $out, ">:raw", "$ARGV[0]/$i" or die "$!\n";
		print $out pack("C*", map { int rand 256 } 1 .. 12 * $i + 1); }' "$1"
}

run() {
	local name=$1
	seeds "$folder/$name.corpus"
	# shellcheck disable=SC2086 -- options are words
	exec "$folder/$name" ${options[$name]:-} -max_total_time="$seconds" -seed="$seed" -timeout=60 -rss_limit_mb=4096 \
		-artifact_prefix="$folder/$name." -print_final_stats=1 "$folder/$name.corpus" >"$folder/$name.log" 2>&1
}

names=()
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true' EXIT
for file in "$source"/test/fuzz/*.cpp; do
	name=$(basename "$file" .cpp)
	run "$name" &
	names+=("$name")
	pids+=($!)
done

status=0
for i in "${!names[@]}"; do
	name=${names[$i]}
	if wait "${pids[$i]}"; then
		echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") inputs, seed $seed"
	else
		tail -n 60 "$folder/$name.log"
		echo "not ok $name"
		status=1
	fi
done
exit $status
