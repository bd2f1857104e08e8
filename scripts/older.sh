#!/usr/bin/env bash
# Make the environment of another JupyterLab, with Tether as a user would install it: its wheel, and no sources.
# usage: older.sh FOLDER REQUIREMENT…
set -euo pipefail
folder=$1
shift
wheels=$(mktemp -d)
trap 'rm -r "$wheels"' EXIT
SKIP_JUPYTER_BUILDER=1 python -m pip wheel -q --no-deps --no-build-isolation -w "$wheels" .
wheel=$(echo "$wheels"/*.whl)
if [ ! -e "$folder/done" ]; then
  rm -rf "$folder"
  "${PYTHON:-python3}" -m venv "$folder"
  # The pinned versions, but those of JupyterLab and of what goes with it.
  grep -v -i -E '^(jupyterlab|jupyterlab[-_]server|notebook|notebook[-_]shim)==' constraints.txt > "$folder/constraints.txt"
  "$folder/bin/python" -m pip install -q -c "$folder/constraints.txt" \
    "$(python scripts/llama_wheel.py)" "$wheel[all]" 'jsonschema[format-nongpl]' pandas polars pyarrow "$@"
  touch "$folder/done"
fi
"$folder/bin/python" -m pip install -q --no-deps --force-reinstall "$wheel"
