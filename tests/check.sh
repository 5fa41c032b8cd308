#!/usr/bin/env bash
# tests/check.sh: all that judges the sources without running them.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
prepare build check

# The published crates' as docs.rs shows it; the others' with private items, for readers of their
# sources.
check_documentation() {
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps -p pilotlight -p pilotlight-abi --all-features
	local -x RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links"
	cargo doc --locked --workspace --exclude pilotlight --exclude pilotlight-host \
		--exclude pilotlight-bootstrap --no-deps --document-private-items
	cargo doc --locked --profile bootstrap --config bootstrap/static-musl.toml \
		-p pilotlight-host -p pilotlight-bootstrap --features static --no-deps --document-private-items
}

# Compiles with the oldest Rust that the manifests allow, if rustup has it.
check_oldest_rust() {
	local version
	version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
	if command -v rustup >/dev/null && grep -q "^$version" <<<"$(rustup toolchain list)"; then
		say "Rust $version"
		cargo "+$version" check --locked --workspace --target-dir target/oldest-rust
	else
		say "skipped, because rustup does not have it: Rust $version"
	fi
}

# Builds each published crate from its package. The licences ask for their texts in each.
check_packages() {
	local package files file contents
	# Cargo keeps what it has once unpacked for this folder and version, so other contents get
	# another folder.
	contents=$(git ls-files -z sdk | xargs -0 sha256sum | sha256sum | head -c 12)
	cargo package --locked --quiet --allow-dirty --target-dir "target/packages/$contents" \
		-p pilotlight-abi -p pilotlight
	for package in pilotlight-abi pilotlight; do
		files=$(cargo package --locked --allow-dirty --list -p "$package")
		for file in LICENSE-APACHE LICENSE-MIT README.md; do
			if ! grep -qx "$file" <<<"$files"; then
				fail "the package $package has no $file"
			fi
		done
	done
}

say "formatting"
cargo fmt --all --check
git ls-files -z '*.c' '*.h' | xargs -0 "$tools/clang-format" --dry-run --Werror
say "clippy"
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo clippy --locked -p pilotlight --all-features --all-targets -- -D warnings
RUSTFLAGS="-D warnings" cargo clippy --locked --profile bootstrap \
	--config bootstrap/static-musl.toml -p pilotlight-host -p pilotlight-bootstrap --features static \
	--lib --bins
say "fuzz targets"
cargo check --locked --quiet --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz
say "documentation"
check_documentation
say "scripts"
git ls-files -z '*.sh' .ci/run examples/deploy/publish-layer | xargs -0 "$tools/shellcheck" --external-sources
say "licences, versions and sources of crates"
"$tools/cargo-deny" --locked check -D warnings licenses bans sources
say "packages"
check_packages
check_oldest_rust
say "rules of the house"
cargo test --locked --quiet -p pilotlight-tests --test it rules::
