#!/usr/bin/env bash
# Brings what the tests of the plugin, of real OBS, of the panel in a browser and of training need, where this machine has apt-get and lets us use it.
# Never fails: without these packages those tests skip and say so.
set -u

needed=(obs-studio obs-plugins libobs-dev xvfb libgl1-mesa-dri libegl1 libgl1 libx11-dev pkg-config cmake make g++ clang ffmpeg chromium python3-venv)

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || exit 0

is_installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
# clang's sanitizers and libFuzzer are a package of their own, named after clang's version.
clang_runtime() { apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -n 1; }

missing() {
	local package
	for package in "${needed[@]}" $(clang_runtime); do is_installed "$package" || echo "$package"; done
}
[ -z "$(missing)" ] && exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "Missing, and no rights to install: $(missing | xargs). The tests that need them skip." >&2
		exit 0
	fi
	root=(sudo -n)
fi

apt_get() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for pause in 5 15 0; do
	# The list is asked for after the update: before it a fresh machine does not know clang's version.
	# shellcheck disable=SC2046
	apt_get update >"$log" 2>&1 && apt_get install -y --no-install-recommends $(missing) >"$log" 2>&1 && exit 0
	sleep "$pause"
done
echo "apt-get could not install $(missing | xargs). The tests that need them skip. Its last words:" >&2
tail -n 3 "$log" >&2
exit 0
