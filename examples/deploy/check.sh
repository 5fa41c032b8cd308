#!/usr/bin/env bash
# examples/deploy/check.sh: the templates, judged by the deployments' own tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh

prepare deploy

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
