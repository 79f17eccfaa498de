#!/bin/sh
# Adds the firmware that the build made to the release line, and signs it.
#   FIRMWARE     app image, such as build/app.bin
#   VERSION      version of the release
#   RELEASE_KEY  private key file that signs releases
set -eu
tinybms-ota package --binary "$FIRMWARE" --version "$VERSION" --update-manifest --sign-key "$RELEASE_KEY"
tinybms-ota validate
