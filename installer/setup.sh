#!/bin/sh
# Make .venv with everything that the appliance and its tests need, and compile the kernels.
# Skips what is in place. OS packages need root or password-less sudo; otherwise this names the missing ones and stops.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

usable_python() {
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$candidate" ] || continue
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        printf '%s' "$candidate"
        return 0
    done
    return 1
}

install_packages() {
    missing="$*"
    if [ "$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo"
    else stop "missing OS packages: $missing. Install them as root (apt-get install $missing), then run again."; fi
    command -v apt-get >/dev/null 2>&1 || stop "missing: $missing. Install them with this system's package manager."
    say "installing OS packages: $missing"
    $run apt-get update -qq
    # shellcheck disable=SC2086  (a list of packages)
    DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

python=$(usable_python) || {
    install_packages python3 python3-venv
    python=$(usable_python) || stop "Python 3.11 or newer is needed; this system has $(python3 --version 2>&1)."
}

command -v redis-server >/dev/null 2>&1 || install_packages redis-server

wanted=$(cat setup.cfg pyproject.toml constraints.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.d2r-setup 2>/dev/null)" != "$wanted" ]; then
    say "making .venv with $($python --version)"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
    printf '%s' "$wanted" > .venv/.d2r-setup
fi
.venv/bin/d2r kernels --quiet
