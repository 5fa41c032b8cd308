#!/usr/bin/env bash
# examples/deploy/check.sh ARCH...: the templates, judged by the deployments' own tools. The CDK's
# are judged for these architectures, because it reads what build.sh has built for them.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh

arches=("$@")
prepare deploy

say "templates"
for by in sam config; do
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 \
		"$tools/sam/bin/sam" validate --lint --template "examples/deploy/$by/template.yaml"
done
# synth CONTEXT...: in the current folder.
synth() {
	"$tools/cdk/node_modules/.bin/cdk" synth --quiet --no-notices --no-version-reporting \
		-o "$tools/cdk/out" "${@/#/--context=}"
}
for arch in "${arches[@]}"; do
	for by in rule scheduler; do
		(cd examples/deploy/cdk && NODE_PATH=$tools/cdk/node_modules synth "arch=$arch" "warmBy=$by")
	done
done
# A module finds what it imports beside itself, and this one finds dist/ from as deep in the tree.
mkdir -p "$tools/cdk/config"
cp examples/deploy/config/cdk/* "$tools/cdk/config/"
for arch in "${arches[@]}"; do
	(cd "$tools/cdk/config" && synth "arch=$arch")
done
