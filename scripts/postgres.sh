#!/usr/bin/env bash
# See that there is a PostgreSQL for the tests, which start one of their own: the system's, or Debian's package.
set -euo pipefail
if command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; then
  exit 0
fi
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
if ! command -v apt-get > /dev/null || { [ "$sudo" ] && ! command -v sudo > /dev/null; }; then
  echo "PostgreSQL is not here: its tests are skipped. To run them, install it with its initdb on the PATH" >&2
  exit 0
fi
echo "PostgreSQL is not here: installing it with apt" >&2
# Debian's package would start a server of its own otherwise.
$sudo mkdir -p /etc/postgresql-common
echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf > /dev/null
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql
