#!/usr/bin/env bash
# examples/deploy/check.sh [ARCH...]: the templates and fragments, judged by the deployments' own
# tools for these architectures; by default for both.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh
prepare deploy
if [ $# = 0 ]; then set -- arm64 x86_64; fi

deploy=$PWD/examples/deploy judges=$PWD/tests/deploy
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export SAM_CLI_TELEMETRY=0 SLS_TELEMETRY_DISABLED=1 AWS_DEFAULT_REGION=us-east-1
python=$tools/sam/bin/python

# A crate's folder with files as `pilotlight build --zip` names them, and with the templates and the
# fragments that are files of their own.
new_crate() {
	rm -rf "$folder/crate"
	mkdir -p "$folder/crate/target/lambda/hello"
	cd "$folder/crate"
	echo >target/lambda/hello/bootstrap
	(cd target/lambda/hello && python3 -m zipfile -c bootstrap.zip bootstrap)
	ln -s "$npm/node_modules" .
	cp "$deploy"/{sam,cdk,terraform,serverless,docker}/* .
	# Its own default is to warn.
	echo 'configValidationMode: error' >>serverless.yml
	local by
	for by in warming config; do
		cp "$deploy/$by/cdk.mjs" "$by.mjs"
		cp "$deploy/$by/terraform.tf" "$by.tf"
	done
}

# edit SED: in all templates.
edit() { sed -i -E "$1" ./*.yaml ./*.yml ./*.mjs ./*.tf Dockerfile; }

# add_fragments scheduler|rule
add_fragments() {
	"$python" "$judges/merge.py" template.yaml "$deploy"/{warming,config}/sam.yaml
	"$python" "$judges/merge.py" serverless.yml "$deploy/warming/serverless.yml"
	if [ "$1" = rule ]; then
		sed -i -E 's/ScheduleV2|ScheduleExpression/Schedule/' template.yaml
		sed -i 's/method: scheduler/method: eventBus/' serverless.yml
	fi
	cat >>app.mjs <<-END
		import { addFlags } from './config.mjs';
		import { keepWarm } from './warming.mjs';
		addFlags(fn);
		keepWarm(fn, { by: '$1', concurrency: 5 });
	END
}

judge() {
	say "templates: $*"
	"$tools/sam/bin/sam" validate --lint
	node_modules/.bin/cdk synth --quiet --no-notices --no-version-reporting
	node_modules/.bin/serverless package
	PYTHONPATH=$hcl2 python3 -c 'import hcl2, sys; [hcl2.load(open(path)) for path in sys.argv[1:]]' ./*.tf
	"$tools/hadolint" Dockerfile
}

for arch in "$@"; do
	new_crate
	if [ "$arch" = x86_64 ]; then edit 's/arm64/x86_64/; s/ARM_64/X86_64/'; fi
	judge "$arch"
	"$python" "$judges/url.py" template.yaml cdk.out/hello.template.json .serverless/*-update-stack.json
done
for by in scheduler rule; do
	new_crate
	edit '/For HTTP handlers:/,/End of the URL/d'
	add_fragments "$by"
	judge "without a URL, kept warm by a $by, with configuration"
done
say "workflows"
cp "$judges/workflows.mjs" .
node workflows.mjs "$deploy"/github/*.yml "$deploy"/../../.github/workflows/*.yml
