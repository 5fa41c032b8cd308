#!/usr/bin/env bash
# tests/conformance/fetch.sh FOLDER: unpacks Debian's source package `posixtestsuite` to
# FOLDER/suite.
#
# apt uses its own list of sources in FOLDER, so that the system's lists do not change and no
# privilege is needed. Version 1.5.2 is the last release.
set -euo pipefail
folder=$1
[ -e "$folder/suite/include/posixtest.h" ] && exit
for command in apt-get dpkg-source; do
	if ! command -v "$command" >/dev/null; then
		echo "conformance: $command is missing; it comes with Debian and Ubuntu (dpkg-dev)" >&2
		exit 1
	fi
done

# The source packages lie where the system's own packages come from.
sources() {
	# shellcheck disable=SC2016 # apt-get expands these
	apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | sort -u
}
lines=$(sources)
if [ -z "$lines" ] && [ "$(id -u)" = 0 ]; then
	apt-get -qq update
	lines=$(sources)
fi
if [ -z "$lines" ]; then
	echo "conformance: apt has no lists of packages; run: sudo apt-get update" >&2
	exit 1
fi
echo "conformance: fetching the source package posixtestsuite with apt-get"
apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
echo "$lines" >"$apt/sources.list"
options=(
	-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o "Debug::NoLocking=1"
	-o "APT::Sandbox::User=$(id -un)"
)
apt-get "${options[@]}" update
cd "$apt"
apt-get "${options[@]}" source posixtestsuite >/dev/null
rm -rf "$folder/suite"
mv "$apt"/posixtestsuite-*/ "$folder/suite"
