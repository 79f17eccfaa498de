#!/bin/sh
# Offers the release to the first share of the fleet. Succeeds once that stage is good; then the rollout waits.
#   VERSION    version of the release
#   STAGES     growing shares of the fleet, such as 1%,10%,100%
#   OFFER_KEY  private key file that signs offers
set -eu
tinybms-ota deploy --version "$VERSION" --sign-key "$OFFER_KEY" \
  --rollout "$STAGES" --hold until-continued --abort-on 2%
