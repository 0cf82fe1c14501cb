#!/bin/sh
# Builds fuzz targets with clang (libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer) and runs each for SECS seconds; called by
# `make fuzz`.  Arguments: noun:floor …
#
# New inputs are collected in fuzz-build/found/<noun>; an input that crashes is
# kept as fuzz-build/<noun>-crash-…: it belongs into the corpus, with the fix.
set -eu

command -v clang >/dev/null || {
	echo "make fuzz: clang is not installed (apt-get install clang)" >&2
	exit 1
}

floors="base http db documents auth watch wechat pay storage functions trigger routes gateway src formats migrate"
flags="-std=gnu17 -g -O1 -fno-omit-frame-pointer -w"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
out=$BUILD/fuzz-build
mkdir -p "$out"

# The newest of what everything includes: older objects are built again.
newest=$(find $(for f in $floors; do echo "$SOURCE/$f"; done) "$SOURCE/include" \
	\( -name '*.h' -o -name '*.def' \) -printf '%T@ %p\n' |
	sort -n | tail -n 1 | cut -d ' ' -f 2-)

# library FLOOR: lib<floor>.a of all its files that are no program.
library() {
	mkdir -p "$out/$1"
	rm -f "$out/lib$1.a"
	for c in "$SOURCE/$1"/*.c; do
		grep -q '^main(' "$c" && continue
		# mpcloud-script's, with JavaScriptCore, in no library
		case ${c#"$SOURCE/"} in functions/js*|functions/script*) continue ;; esac
		o=$out/$1/$(basename "$c" .c).o
		if [ ! -e "$o" ] || [ "$c" -nt "$o" ] ||
			[ "$newest" -nt "$o" ]; then
			# shellcheck disable=SC2086
			clang $flags $sanitize -fsanitize=fuzzer-no-link \
				$CPPFLAGS -c -o "$o" "$c"
		fi
		ar cr "$out/lib$1.a" "$o"
	done
}

# archives FLOOR: the libraries from it down, in the order of linking.
archives() {
	list=
	for f in $floors; do
		list="$out/lib$f.a $list"
		[ "$f" = "$1" ] && break
	done
	echo "$list"
}

cd "$BUILD"
for target in "$@"; do
	noun=${target%%:*}
	floor=${target#*:}
	for f in $floors; do
		[ -e "$out/.built-$f-$$" ] || library "$f"
		: >"$out/.built-$f-$$"
		[ "$f" = "$floor" ] && break
	done
	# shellcheck disable=SC2046,SC2086
	clang $flags $sanitize -fsanitize=fuzzer $CPPFLAGS \
		-o "$out/fuzz_$noun" "$SOURCE/tests/fuzz/fuzz_$noun.c" \
		$(archives "$floor") $LIBS
	mkdir -p "$out/found/$noun"
	echo "# fuzz_$noun for $SECS s"
	"$out/fuzz_$noun" -max_total_time="$SECS" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$out/$noun-" "$out/found/$noun" \
		"$SOURCE/tests/fuzz/corpus/$noun"
done
rm -f "$out"/.built-*
