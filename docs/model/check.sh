#!/bin/sh
# check.sh 'NAME|MODEL|FLAGS|KIND|EXPECT|WHAT': runs one check, in $OUT/NAME, and prints its line of results.tsv. KIND is
# safety, or live:CLAIM; EXPECT is ok or bad. A search that was not complete is neither, nor is one that could not begin.
IFS='|' read -r name model flags kind expect what <<X
$1
X
dir=${OUT:?}/$name
mkdir -p "$dir" && cp "$model.pml" "$dir/model.pml" && cd "$dir" || exit 1
case $kind in
safety) compile='-DSAFETY -DNOCLAIM' search= ;;
live:*) compile='-DNFAIR=4' search="-a -f -N ${kind#live:}" ;;
esac
verdict=broken states='?'
# shellcheck disable=SC2086 # flags are words
if spin -a $flags model.pml >spin.log 2>&1 &&
	gcc -O1 -w $compile -DCOLLAPSE -DMEMLIM=3000 -DVECTORSZ=2048 -o pan pan.c 2>gcc.log; then
	(ulimit -t 300 && exec ./pan -m1000000 -w23 $search) >pan.log 2>&1 </dev/null
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log | tail -1)
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log | head -1)
	case $errors in
	0) verdict=ok ;;
	'') verdict=incomplete ;;
	*) verdict=bad ;;
	esac
	if [ $verdict = ok ] && grep -q 'Search not completed\|max search depth too small\|out of memory' pan.log; then
		verdict=incomplete
	fi
	if [ $verdict = bad ] && [ "$expect" != bad ]; then spin -t -p -g $flags model.pml >trail.txt 2>&1; fi
fi
rm -f pan pan.? pan.pre
said=expected
if [ "$verdict" != "$expect" ]; then said=UNEXPECTED; fi
printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$model" "${flags:--}" "$kind" "$verdict" "$said" "${states:-?}" "$what"
