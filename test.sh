#!/bin/sh
# Builds mpcloud and passes all its tests, on Debian 12, as root or as a user
# with sudo. Installs the packages they need (it says which) and the test
# clients from npm, pinned in tests/package-lock.json. Twice: an ordinary build
# and one with AddressSanitizer and UndefinedBehaviorSanitizer. Ends with a line
# "N passed, N failed". `./test.sh quick` leaves the second build out.
set -u
cd "$(dirname "$0")" || exit 1

tools/packages test || exit 1
./autogen.sh >/dev/null || exit 1
for clients in tests tests/clients/*; do
	(cd "$clients" && npm ci --silent --no-audit --no-fund) || exit 1
done

passed=0
failed=0

# run FOLDER CONFIGURE-ARGUMENTS…: builds and checks there, adds up its results.
run() {
	folder=$1
	shift
	mkdir -p "$folder"
	(
		cd "$folder" || exit 1
		../configure -q --enable-werror "$@" &&
			make -s -j"$(nproc)" >make.log 2>&1 || {
			tail -n 40 make.log
			exit 1
		}
	) || { failed=$((failed + 1)); return; }
	(cd "$folder" && make -s -k check >check.log 2>&1)
	count "$folder"
}

count() {
	p=$(sed -n 's/^# PASS: *//p' "$1/check.log" | tail -n 1)
	f=$(sed -n 's/^# FAIL: *//p' "$1/check.log" | tail -n 1)
	e=$(sed -n 's/^# ERROR: *//p' "$1/check.log" | tail -n 1)
	if [ -z "$p" ]; then
		tail -n 60 "$1/check.log"
		failed=$((failed + 1))
		return
	fi
	grep -E '^(FAIL|ERROR|XPASS):' "$1/check.log"
	if [ $((f + e)) -gt 0 ]; then
		tail -n 300 "$1/test-suite.log"
	fi
	echo "$1: $p passed, $((f + e)) failed"
	passed=$((passed + p))
	failed=$((failed + f + e))
}

run build-check
[ "${1:-}" = quick ] || run build-sanitize --enable-sanitize

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
