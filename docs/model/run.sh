#!/bin/sh
# run.sh [NAME]: runs all checks and writes results.tsv, or runs one and shows its line. It fails when a verdict is not the
# expected one, and then keeps what spin made, with a trail of the fault.
cd "$(dirname "$0")" || exit 1
OUT=$(mktemp -d) || exit 1
export OUT
grep "^${1:-[^|]*}|" checks | tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" ./check.sh >"$OUT/results"
all=$(grep -c "^${1:-[^|]*}|" checks)
good=$(grep -c '	expected	' "$OUT/results")
if [ -n "$1" ]; then cat "$OUT/results"; else sort "$OUT/results" >results.tsv; fi
if [ "$all" -eq 0 ] || [ "$good" -ne "$all" ]; then
	grep -v '	expected	' "$OUT/results" >&2
	echo "models: $good of $all checks are as expected; see $OUT" >&2
	exit 1
fi
rm -r "$OUT"
