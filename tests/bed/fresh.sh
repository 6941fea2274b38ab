#!/usr/bin/env bash
# Both commands of the README in a fresh clone, with every cache empty: what a newcomer waits for.
# For a person to run, as root, with the bed down; takes about an hour on two cores. Prints the time to the
# first job, the time of each command, and the disk that all of it takes. Removes what it made.
#
#   tests/bed/fresh.sh            both commands
#   tests/bed/fresh.sh demo       the demo alone
#   KEEP=1 tests/bed/fresh.sh     keeps the folder, and prints its path
set -euo pipefail
cd "$(dirname "$0")/../.."
which=${1:-both}

home=$(mktemp -d /var/tmp/windlass-fresh.XXXXXX)
# Rust's toolchain is a condition of the README, not ours to install; all else begins from nothing.
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} PATH="$HOME/.cargo/bin:$PATH"
cargo run --quiet --package windlass-bed -- down
export HOME=$home CARGO_HOME=$home/.cargo GOPATH=$home/go GOCACHE=$home/.cache/go-build
unset CARGO_TARGET_DIR
end() {
    (cd "$home/clone" && cargo run --quiet --package windlass-bed -- down) || true
    if [ -n "${KEEP:-}" ]; then
        echo "kept: $home"
    else
        chmod -R u+w "$home" && rm -rf "$home"
    fi
}
trap end EXIT

git clone --quiet . "$home/clone"
cd "$home/clone"
began=$SECONDS
since() { printf '%d min %02d s' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)); }
figures=()

cargo demo --once 2>&1 | while IFS= read -r line; do
    printf '%s\n' "$line"
    case $line in '$ git push'* | '$ windlass submit'*) [ -e "$home/first" ] || since >"$home/first" ;; esac
done
figures+=("first job submitted after  $(cat "$home/first")" "cargo demo --once took     $(since)")
if [ "$which" != demo ]; then
    began=$SECONDS
    cargo suite
    figures+=("cargo suite took           $(since), after the demo")
fi
printf '\n%s\n' "${figures[@]}" "disk: $(du -sh "$home" | cut -f1) in all, of it $(du -sh "$home/clone/target" | cut -f1) in target"
