#!/bin/sh
# Signs standard input with an Ed25519 key, for --sign-command: OpenSSL needs a file, for it reads the message twice.
#
#     tinybms-ota package … --sign-command "examples/sign-ed25519.sh release.pem" --sign-public release.pem.pub
set -eu
message=$(mktemp)
trap 'rm -f "$message"' EXIT
cat >"$message"
openssl pkeyutl -sign -rawin -inkey "$1" -in "$message"
