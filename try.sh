#!/bin/sh
# From a clone to a running development stack on Debian 12, as root or as a user
# with sudo: installs the packages mpcloud needs (it says which), builds it in
# build/, starts the sample shop with a private PostgreSQL and a WeChat sandbox
# on loopback, and walks through it as the mini program would. The stack goes
# on running; `./try.sh stop` ends it. Running it again starts afresh.
# Ports other than 8080 and 8443: PORT=18080 TLS_PORT=18443 ./try.sh
set -eu
cd "$(dirname "$0")"

shop=examples/shop
port=${PORT:-8080}
tls_port=${TLS_PORT:-8443}

case "${1:-}" in
'') ;;
stop)
	if [ ! -x build/mpcloud ]; then
		echo "nothing is running: nothing is built yet"
		exit 0
	fi
	exec build/mpcloud dev "$shop" --stop
	;;
*)
	echo "usage: ./try.sh        build and start; PORT=8080 TLS_PORT=8443" >&2
	echo "       ./try.sh stop   stop what runs in the background" >&2
	exit 2
	;;
esac

# quietly COMMAND…: what it says is shown only when it fails.
quietly() {
	"$@" >build/try.log 2>&1 || {
		cat build/try.log >&2
		echo "try.sh: failed: $*" >&2
		exit 1
	}
}

tools/packages run
mkdir -p build
if [ ! -f build/Makefile ]; then
	echo "Configuring build/ (half a minute) ..."
	[ -x configure ] || quietly ./autogen.sh
	(cd build && ../configure -q)
fi
echo "Building in build/ (a minute or two the first time) ..."
quietly make -s -C build -j"$(nproc)" V=0
quietly make -s -C "$shop/cloudfunctions/price-native"

MPCLOUD_DATA=$PWD
export MPCLOUD_DATA
build/mpcloud dev "$shop" --stop >/dev/null
echo "Starting the shop (the first time npm fetches its functions' packages:"
echo "half a minute) ..."
echo
if build/mpcloud dev "$shop" --port "$port" --tls-port "$tls_port" \
	--detach -- node "$shop/walk.mjs"; then
	cat <<-END
		So does ./try.sh stop.

		With \$TOKEN from above, an order and what wx.requestPayment takes:

		  curl -s -X POST -H "Authorization: Bearer \$TOKEN" \\
		    http://127.0.0.1:$port/v1/functions/order-create \\
		    -d '{"items":[{"id":"jasmine","count":2}]}'; echo
	END
else
	status=$?
	echo "try.sh: that did not go as it should (status $status)." >&2
	echo "Are ports $port and $tls_port taken? Choose others with" \
		"PORT=18080 TLS_PORT=18443 ./try.sh" >&2
	exit "$status"
fi
