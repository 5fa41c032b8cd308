#!/usr/bin/env bash
# tests/peers/measure.sh ARCH...: the benchmark beside a raw program, lambda_runtime and dlopen, of
# this machine's architecture; and counts up to the first request for work, of each of these.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh

# Costs of declared configuration: at the start, at the first use, and of one read of each kind in
# ns.
measure_config() {
	local peers=$1 name value
	local four='a=appconfig:shop/production/a?ttl=45s,b=ssm:/shop/b?required,c=secret:shop/c,d=file:d.json'
	for name in none four used; do
		case $name in
		none) value= ;;
		four) value=$four ;;
		used) value='a=env:PATH?prefetch' ;;
		esac
		cc -static -nostdlib -nostartfiles -ffreestanding -O2 -fno-stack-protector -s \
			-DBOOTSTRAP="\"$dist/layer/bootstrap\"" -DCONFIG="\"$value\"" \
			-o "$peers/declared-$name" tests/peers/declared/declared.c
	done
	say "configuration: four values declared, and one used at the start (the module mapped, a value fetched)"
	"$dist/bin/pilotlight" measure "$dist/examples/libhello.so" --rounds 300 --event '{"name":"Ada"}' \
		--control "none=$peers/declared-none" --peer "four=$peers/declared-four" \
		--peer "used=$peers/declared-used"
	say "configuration: nanoseconds of a raw read and of a parsed one"
	cargo build --locked --release --quiet -p configured
	"$dist/bin/pilotlight" run target/release/libconfigured.so --handler cost --event 1000000 --timeout 60 \
		--env 'PILOTLIGHT_CONFIG=limit=env:LIMIT?prefetch' --env 'LIMIT={"most":1}' 2>/dev/null
}

# measure_counts ARCH: what an emulated CPU can count as well, and the sizes of the files.
measure_counts() {
	use_arch "$1"
	local peer=$peers/$1 hello=$out/examples/libhello.so
	(
		cd tests/peers/lambda_runtime
		"${with_tools[@]}" cargo build --locked --profile best --target "$target" --target-dir "$peer" \
			--bin lambda-runtime-best
	)
	peer=$peer/$target/best/lambda-runtime-best
	"$dist/bin/pilotlight" measure "$hello" --counts --event '{"name":"Ada"}' \
		--control "limit=$out/bin/limit" --peer "lambda_runtime, best flags=$peer" \
		--json "$figures/counts-$1.json"
	stat --printf '%n\t%s\n' "$out/bin/limit" "$out/layer/bootstrap" "$hello" "$peer" >"$figures/sizes-$1.tsv"
}

# Invocations a second that the local Lambda takes, with a connection for each and with kept ones,
# and its own share of one in ms.
measure_serve() {
	local server keep address=127.0.0.1:9009 event=$PWD/target/measure/event.json
	echo '{}' >"$event"
	"$dist/bin/pilotlight" serve "$dist/examples/libecho.so" --listen $address --quiet &
	server=$!
	until curl -sf "http://$address/environments" >/dev/null; do sleep 0.1; done
	for keep in '' -k; do
		ab -q $keep -n 20000 -c 8 -T application/json -p "$event" \
			"http://$address/2015-03-31/functions/echo/invocations" | grep -E 'Requests per|Failed|Non-2xx'
	done
	curl -s "http://$address/environments" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["functions"][0]["totals"]["own_ms"])'
	kill -INT $server
	wait $server
}

# HTTP: hello beside a function and an application that take requests, and the same application on
# lambda_http. All get the same event, a browser's request to a function URL.
measure_http() {
	local peers=$1 folder=$figures/http name
	(
		cd examples/axum
		cargo build --locked --release --quiet --target-dir ../../target/axum
	)
	(
		cd tests/peers/lambda_http
		cargo build --locked --release --quiet --target-dir "$peers"
	)
	mkdir -p "$folder"
	for name in "$dist/examples/libweb.so" "$PWD/target/axum/release/libaxum_example.so"; do
		(cd "$folder" && "$dist/bin/pilotlight" build "$name")
	done
	sync
	"$dist/bin/pilotlight" measure "$dist/examples/libhello.so" --rounds 200 \
		--event "@$PWD/tests/fuzz/seeds/request/function-url" --control "limit=$dist/bin/limit" \
		--peer "request=$folder/target/lambda/web/bootstrap" \
		--peer "axum=$folder/target/lambda/axum_example/bootstrap" \
		--peer "axum on lambda_http=$peers/release/lambda-http" --json "$figures/http.json"
	stat --printf '%n\t%s\n' "$dist/layer/bootstrap" "$dist/examples/libhello.so" \
		"$dist/examples/libweb.so" target/axum/release/libaxum_example.so \
		"$peers/release/lambda-http" >"$figures/sizes-http.tsv"
}

# measure_heavy LIBRARY [OPTION...]: its first invocation is long, and there is no other.
measure_heavy() {
	local option library=$1
	shift
	for option in '' --cold-cache; do
		"$dist/bin/pilotlight" measure "$library" ${option:+"$option"} \
			--rounds 100 --invocations 1 --event '{"name":"Ada"}' --control "limit=$dist/bin/limit" "$@"
	done
}

arches=("$@")
prepare build measure
peers=$PWD/target/peers
figures=$PWD/target/measure
say "peers: hello on lambda_runtime"
mkdir -p "$peers" "$figures"
(
	cd tests/peers/lambda_runtime
	cargo build --locked --release --target-dir "$peers" --bin lambda-runtime-default
	cargo build --locked --profile best --target-dir "$peers" --bin lambda-runtime-best
)
say "hello in one file"
mkdir -p "$figures/one-file"
(cd "$figures/one-file" && "$dist/bin/pilotlight" build "$dist/examples/libhello.so")
# A file that has not been written back is mapped page by page, which no deployed file is.
sync
for cache in warm cold; do
	say "hello, page cache $cache: each program started many times in turn"
	option=
	if [ $cache = cold ]; then option=--cold-cache; fi
	"$dist/bin/pilotlight" measure "$dist/examples/libhello.so" ${option:+"$option"} \
		--rounds 200 --event '{"name":"Ada"}' --expect '{"message":"Hello, Ada!"}' \
		--control "limit=$dist/bin/limit" \
		--peer "hello, one file=$figures/one-file/target/lambda/hello/bootstrap" \
		--peer "lambda_runtime, best flags=$peers/best/lambda-runtime-best" \
		--peer "lambda_runtime, default=$peers/release/lambda-runtime-default" \
		--json "$figures/$cache.json" --html "$figures/$cache.html"
done
for example in echo context; do
	say "$example"
	"$dist/bin/pilotlight" measure "$dist/examples/lib$example.so" --rounds 100
done
measure_config "$peers"
say "HTTP: hello, a function, an axum application, and the same application on lambda_http"
measure_http "$peers"
say "the heavy fixture, and the same library opened by dlopen on the system's C library"
(cd tests/fixtures/heavy && cargo build --locked --release --target-dir "../../../target/heavy")
heavy=$PWD/target/heavy/release/libheavy.so
cc -O2 -Wall -Wextra -Werror -I sdk/include -o "$peers/dlopen" tests/peers/dlopen/dlopen.c
measure_heavy "$heavy" --peer "dlopen=$peers/dlopen $heavy"
say "the heavy fixture, linked as \`pilotlight check\` advises"
place="-Clink-arg=-Wl,-z,pack-relative-relocs -Clink-arg=-Wl,--image-base=0x1000000000"
(cd tests/fixtures/heavy && RUSTFLAGS=$place cargo build --locked --release --target-dir "../../../target/placed")
measure_heavy "$PWD/target/placed/release/libheavy.so"
say "counts up to the first request for work, of each architecture"
for arch in "${arches[@]}"; do measure_counts "$arch"; done
use_arch "$(machine_arch)"
tests/peers/fill-tables.py "$figures" "${arches[@]}"
say "the tables of README.md and docs/benchmarks.md are filled; pictures in $figures"
say "the local Lambda: echo, twenty thousand times, eight at once"
measure_serve
say "what the look for pings costs an ordinary event"
cargo run --locked --quiet --profile bootstrap -p pilotlight-bootstrap --example warm_check
