# shellcheck shell=bash
# Run before the commands of a page, in an empty folder: makes it look like a checkout that was
# built. From the caller: ROOT (the checkout), TOOLS (what the tests have installed), MOTO (AWS's
# stand-in), ADDRESS (where `serve` listens, in place of the address that the pages name).
set -euo pipefail

mkdir -p dist/bin
ln -s "$ROOT"/dist/{layer,examples,arm64,pilotlight-layer-{x86_64,arm64}.zip} dist/
ln -s "$ROOT"/{sdk,examples,target} .

# Runs the real command. For deployments, `new` depends on the crate that is not published yet, and
# has the templates of all tools; `build` needs no tools for the other CPU. `serve` goes on in the
# background, and ends the server that the page started before.
cat >dist/bin/pilotlight <<'END'
#!/usr/bin/env bash
set -euo pipefail
case $* in
'new hello')
	"$ROOT/dist/bin/pilotlight" "$@" --sdk "$ROOT/sdk"
	cp -r "$ROOT"/examples/deploy/{sam,cdk,terraform,serverless,docker}/* "$2"
	exit
	;;
'build --arch arm64'*) set -- "$@" "$ROOT/dist/arm64/examples/libhello.so" ;;
build*)
	# Builds the dependencies once for all pages.
	if [ ! -e target ]; then
		mkdir target
		for folder in "$(uname -m)-unknown-linux-gnu" release; do
			mkdir -p "$ROOT/target/build-tests/$folder"
			ln -s "$ROOT/target/build-tests/$folder" target/
		done
	fi
	;;
invoke*--endpoint*) ;;
invoke*) set -- "$@" --endpoint "http://$ADDRESS" ;;
serve*--exec*) exec "$ROOT/dist/bin/pilotlight" "$@" ;;
serve*) set -- "$@" --listen "$ADDRESS" ;;
esac
if [ "$1" != serve ]; then exec "$ROOT/dist/bin/pilotlight" "$@"; fi
if [ -e server.pid ]; then
	kill -INT "$(cat server.pid)"
	while kill -0 "$(cat server.pid)" 2>/dev/null; do sleep 0.1; done
fi
"$ROOT/dist/bin/pilotlight" "$@" >server.log 2>&1 &
echo $! >server.pid
for _ in {1..300}; do
	if curl --silent --fail --output /dev/null "http://$ADDRESS/environments"; then exit 0; fi
	sleep 0.1
done
cat server.log >&2
exit 1
END

# The whole of `./build.sh test` runs this: here it only has to know the command.
cat >build.sh <<'END'
#!/usr/bin/env bash
[ $# = 0 ] || grep -qE "^#   $*([ ,]|$)" "$ROOT/build.sh"
END
chmod +x dist/bin/pilotlight build.sh
trap 'if [ -e server.pid ]; then kill -INT "$(cat server.pid)"; fi' EXIT

export PATH=$PWD/dist/bin:$PATH
cargo() {
	if [ "$1" = lambda ]; then "$TOOLS/cargo-lambda" "$@"; else (cd "$ROOT" && command cargo "$@"); fi
}
aws() { "$TOOLS/python/bin/aws" "$@"; }
# Scripts call it too.
export -f aws

# The tools of deployments, as far as they go without an account.
export SAM_CLI_TELEMETRY=0 SLS_TELEMETRY_DISABLED=1
sam() {
	if [ "$1" = build ]; then set -- build; else set -- validate --lint; fi
	"$TOOLS/sam/bin/sam" "$@"
}
npm() { [ "$*" = install ] && ln -s "$TOOLS/deploy/node_modules" .; }
npx() { [ "$*" = "cdk deploy" ] && node_modules/.bin/cdk synth --quiet; }
serverless() { [ "$*" = deploy ] && node_modules/.bin/serverless package; }
# `apply` reads the package.
terraform() { [ "$*" = init ] || [ -s target/lambda/hello/bootstrap.zip ]; }
docker() { [ "$1" = build ] && "$TOOLS/hadolint" Dockerfile; }

# expect TEXT COMMAND...: the command must print this, at the latest after some tries: a refresh of
# a configuration takes its time on a busy machine.
expect() {
	local wanted=$1 printed
	shift
	for _ in {1..50}; do
		printed=$("$@")
		if [ "$printed" = "$wanted" ]; then return; fi
		sleep 0.2
	done
	printf '%s\n  printed  %s\n  and not  %s\n' "$*" "$printed" "$wanted" >&2
	exit 1
}

if [ -n "$MOTO" ]; then
	export AWS_ENDPOINT_URL=$MOTO
	# Other pages make the same functions.
	curl --silent --fail --output /dev/null --request POST "$MOTO/moto-api/reset"
	aws iam create-role --role-name ROLE --assume-role-policy-document '{}' >/dev/null
fi
