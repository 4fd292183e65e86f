#!/bin/sh
# Sets up training's own Python environment: in the user's cache folder, or in the folder given. PyPI's PyTorch for Linux
# is the CUDA build, about 5 GB on disk: too much for a work tree.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mattebox/training-venv}
python3 -m venv "$venv"
"$venv/bin/pip" install --requirement "$here/requirements.txt"
"$venv/bin/pip" install --no-deps --editable "$here"
echo "Ready: $venv/bin/mattebox-training --help"
