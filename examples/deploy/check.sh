#!/usr/bin/env bash
# examples/deploy/check.sh: the templates, judged by the deployments' own tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh

stamp=$tools/sam/aws-sam-cli-1.170.0
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
