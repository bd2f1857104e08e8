#!/usr/bin/env bash
# See that there is a Chromium for the browser tests: CHROMIUM, the system's, or Debian's package.
set -euo pipefail
if [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  exit 0
fi
if [ -n "${CHROMIUM:-}" ]; then
  echo "CHROMIUM is $CHROMIUM, which is no program: set it to a Chromium or Chrome, or leave it out" >&2
  exit 1
fi
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
if ! command -v apt-get > /dev/null || { [ "$sudo" ] && ! command -v sudo > /dev/null; }; then
  echo "The browser tests need a Chromium at /usr/bin/chromium, which cannot be installed from here without" \
    "apt-get and root: install one, and name it where it is elsewhere: CHROMIUM=/path/to/chrome make test" >&2
  exit 1
fi
echo "Chromium is not here: installing it with apt" >&2
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
