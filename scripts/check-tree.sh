#!/bin/bash
# Rules of the tree that no compiler checks.  Prints each breach; fails if there is any.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob globstar
breaches=0

breach() {
	echo "tree: $*" >&2
	breaches=$((breaches + 1))
}

# Every test file is run by something.
for file in sql/*; do
	[[ $file == sql/*.sql ]] || breach "$file is no .sql file, so nothing runs it"
	[[ -e expected/$(basename "$file" .sql).out ]] || breach "$file has no expected/$(basename "$file" .sql).out"
done
for file in expected/*; do
	# name.out or an alternative name_1.out
	name=$(basename "$file" .out)
	[[ -e sql/$name.sql || -e sql/${name%_[0-9]}.sql ]] || breach "$file belongs to no file of sql/"
done
for file in test/specs/*; do
	[[ $file == *.spec ]] || breach "$file is no .spec file, so nothing runs it"
	[[ -e test/expected/$(basename "$file" .spec).out ]] || breach "$file has no test/expected/$(basename "$file" .spec).out"
done
for file in test/expected/*; do
	name=$(basename "$file" .out)
	[[ -e test/specs/$name.spec || -e test/specs/${name%_[0-9]}.spec ]] || breach "$file belongs to no file of test/specs/"
done
for file in test/t/**/*; do
	[[ -d $file || $file =~ ^test/t/[0-9]{3}_[a-z0-9_]+\.p[lm]$ || $file == test/t/lib/*.pm ]] ||
		breach "$file is not named NNN_topic.pl, so nothing runs it"
	if [[ $file == *.pl ]] && ! head -n 1 "$file" | grep -q '^# '; then
		breach "the first line of $file does not say what it proves"
	fi
done
for file in test/unit/**/*.cpp; do
	if [[ $file == *_test.cpp ]]; then
		grep -qE '^(TYPED_)?TEST(_[FP])?\(' "$file" || breach "$file holds no test"
	elif grep -qE '^(TYPED_)?TEST(_[FP])?\(' "$file"; then
		breach "$file holds tests but is not named *_test.cpp"
	fi
	area=$(dirname "${file#test/unit/}")
	[[ -d src/core/$area ]] || breach "$file mirrors no folder of src/core"
done
[[ -n $(echo sql/*.sql) ]] || breach "sql/ has no tests"
[[ -n $(echo test/specs/*.spec) ]] || breach "test/specs/ has no tests"
[[ -n $(echo test/t/*.pl) ]] || breach "test/t/ has no tests"
[[ -n $(echo test/unit/**/*_test.cpp) ]] || breach "test/unit/ has no tests"

# An error's LOCATION prints the base name only, so sources have names of their own.
while read -r name; do
	breach "source files share the base name $name"
done < <(printf '%s\n' src/**/*.c src/**/*.cpp | sed 's|.*/||' | sort | uniq -d)

# Includes point one way: base <- distance <- code, page <- graph <- core_api <- am.
# allowed DIR: what its files may include besides files of their own folder
allowed() {
	case $1 in
		base) echo '' ;;
		distance | page) echo 'base' ;;
		code) echo 'base distance' ;;
		graph) echo 'base distance code page' ;;
	esac
}
for dir in base distance code page graph; do
	for file in src/core/$dir/*.h src/core/$dir/*.cpp; do
		while read -r target; do
			[[ " $dir $(allowed $dir) " == *" ${target%%/*} "* ]] || breach "$file includes \"$target\""
		done < <(sed -n 's|^ *# *include "\([^"]*/[^"]*\)".*|\1|p' "$file")
	done
done
while read -r line; do
	breach "the core knows no PostgreSQL: $line"
done < <(grep -nE '# *include ["<](postgres|fmgr|access/|utils/|storage/|nodes/|catalog/|miscadmin|libpq)' -r src/core || true)
for file in src/am/*.[ch]; do
	while read -r target; do
		case $target in
			core_api.h | core/core_api.h | distance/kernels.h | core/distance/kernels.h) ;;
			base/* | code/* | page/* | graph/* | core/*) breach "$file includes \"$target\", past the wall" ;;
		esac
	done < <(sed -n 's|^ *# *include "\([^"]*\)".*|\1|p' "$file")
done

# Settings that change what floating point means, or bind the build to one CPU (bench builds its references for it).
while read -r line; do
	breach "$line"
done < <(grep -nE -e '-ffast-math|-Ofast|-march=native' Makefile CMakeLists.txt demo/build.sh docker/* 2>/dev/null |
	grep -v '^[^:]*:[0-9]*: *#' || true)

# The version is written in two places.
control=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" quiver.control)
grep -q "^## \[\?$control" CHANGELOG.md || breach "CHANGELOG.md does not speak of version $control"

[ "$breaches" -eq 0 ]
