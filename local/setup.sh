#!/bin/sh
# Makes .venv from requirements-dev.txt (exact versions, checked hashes). Everything stays inside the checkout.
set -eu
cd "$(dirname "$0")/.."
. local/tools.sh

python313() {
    for name in python3.13 python3 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

if [ ! -x .venv/bin/python ]; then
    if python=$(python313); then
        "$python" -m venv .venv
    elif command -v uv >/dev/null; then
        uv venv --quiet --python 3.13 .venv
    else
        echo "Python 3.13 was not found. Install it (python.org, pyenv, 'apt install python3.13' or uv) and try again." >&2
        exit 1
    fi
fi

echo "Installing what requirements-dev.txt names into .venv ..."
if command -v uv >/dev/null; then
    uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements-dev.txt
else
    .venv/bin/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
fi
