#!/bin/sh
# From a clone to a running development stack on Debian 12, as root or as a user
# with sudo: installs the packages mpcloud needs (it says which), builds it in
# build/, starts the sample shop with a private PostgreSQL and a WeChat sandbox
# on loopback, and walks through it as the mini program would. The stack goes
# on running; `./try.sh stop` ends it. Running it again starts afresh.
set -eu
cd "$(dirname "$0")"

shop=examples/shop
port=${PORT:-8080}
tls_port=${TLS_PORT:-8443}

if [ "${1:-}" = stop ]; then
	exec build/mpcloud dev "$shop" --stop
fi

tools/packages run
[ -x configure ] || ./autogen.sh >/dev/null
mkdir -p build
cd build
[ -f Makefile ] || ../configure -q
echo "Building …"
make -s -j"$(nproc)" V=0 >/dev/null
cd ..
make -s -C "$shop/cloudfunctions/price-native"

MPCLOUD_DATA=$PWD
export MPCLOUD_DATA
build/mpcloud dev "$shop" --stop >/dev/null
exec build/mpcloud dev "$shop" --port "$port" --tls-port "$tls_port" \
	--detach -- node "$shop/walk.mjs"
