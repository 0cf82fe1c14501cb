#!/bin/sh
# Builds mpcloud and passes all its tests, on Debian 12, as root or as a user
# with sudo. Installs the packages they need (it says which) and the test
# clients from npm, pinned in tests/package-lock.json. Twice: an ordinary build
# and one with AddressSanitizer and UndefinedBehaviorSanitizer. Ends with a line
# "N passed, N failed". `./test.sh quick` leaves the second build out and asks
# fewer things of tests/differential.
set -u
cd "$(dirname "$0")" || exit 1

case "${1:-}" in
'') ;;
quick)
	DIFFERENTIAL_CASES=${DIFFERENTIAL_CASES:-4000}
	export DIFFERENTIAL_CASES
	;;
*)
	echo "usage: ./test.sh [quick]" >&2
	exit 2
	;;
esac

tools/packages test || exit 1

# As root, many tests become ordinary users, who must be able to reach what they
# run: a clone in /root is tested in a copy that everybody can reach.
copy=
if [ "$(id -u)" -eq 0 ] && ! setpriv --reuid=nobody --regid=nogroup \
	--clear-groups test -x "$PWD"; then
	copy=$(mktemp -d /var/tmp/mpcloud-test.XXXXXX) || exit 1
	chmod 755 "$copy"
	echo "Only root can reach $PWD: testing a copy of it in $copy"
	tar cf - --exclude='./build*' --exclude=node_modules \
		--exclude=.mpcloud --exclude=./.git . | tar xf - -C "$copy"
	cd "$copy" || exit 1
fi

# quietly COMMAND…: what it says is shown only when it fails.
log=$(mktemp) || exit 1

# Tests lay down and remove some hundred thousand small files (SDKs, databases):
# where we may, in memory.
rooms=$(mktemp -d /tmp/mpcloud-tests.XXXXXX) || exit 1
free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
if [ "$(id -u)" -eq 0 ] && [ "${free:-0}" -gt 6000000 ] &&
	mount -t tmpfs -o size=3g,mode=1777 mpcloud-tests "$rooms" 2>"$log"; then
	TMPDIR=$rooms
	export TMPDIR
fi
leave() {
	rm -f "$log"
	[ "${TMPDIR:-}" != "$rooms" ] || umount -l "$rooms"
	rmdir "$rooms"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM
quietly() {
	"$@" >"$log" 2>&1 || {
		cat "$log" >&2
		echo "test.sh: failed: $*" >&2
		exit 1
	}
}

quietly ./autogen.sh
echo "Fetching the test clients from npm (half a minute) ..."
for clients in tests tests/clients/*; do
	quietly npm ci --prefix "$clients" --no-audit --no-fund
done

passed=0
failed=0

# run FOLDER CONFIGURE-ARGUMENTS…: builds and checks there, adds up its results.
run() {
	folder=$1
	shift
	mkdir -p "$folder"
	echo "$folder: building ..."
	(
		cd "$folder" || exit 1
		../configure -q --enable-werror "$@" &&
			make -s -j"$(nproc)" >make.log 2>&1 &&
			make -s -j"$(nproc)" check TESTS= >>make.log 2>&1 || {
			tail -n 40 make.log
			exit 1
		}
	) || {
		echo "$folder: it does not build"
		failed=$((failed + 1))
		return
	}
	echo "$folder: testing (several minutes; $PWD/$folder/check.log) ..."
	(cd "$folder" && make -s -k -j"$(nproc)" check >check.log 2>&1)
	count "$folder"
}

# sum WORD FOLDER: the number beside "# WORD:" in its summary.
sum() {
	sed -n "s/^# $1: *//p" "$2/check.log" | tail -n 1
}

count() {
	p=$(sum PASS "$1")
	if [ -z "$p" ]; then
		tail -n 60 "$1/check.log"
		failed=$((failed + 1))
		return
	fi
	bad=$(($(sum FAIL "$1") + $(sum XPASS "$1") + $(sum ERROR "$1")))
	grep -E '^(FAIL|ERROR|XPASS|SKIP):' "$1/check.log"
	[ "$bad" -eq 0 ] || tail -n 300 "$1/test-suite.log"
	echo "$1: $p passed, $bad failed, $(sum SKIP "$1") skipped"
	passed=$((passed + p))
	failed=$((failed + bad))
}

run build-check
[ "${1:-}" = quick ] || run build-sanitize --enable-sanitize

if [ -n "$copy" ] && [ "$failed" -eq 0 ]; then
	cd / && rm -rf "$copy"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
