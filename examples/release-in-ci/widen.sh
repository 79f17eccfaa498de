#!/bin/sh
# Offers the release to the next share of the fleet. Fails if too many devices fail: then the offer is withdrawn.
#   VERSION    version of the release
#   OFFER_KEY  private key file that signs offers
set -eu
tinybms-ota rollout continue "ota/rollouts/$VERSION.jsonl" --sign-key "$OFFER_KEY"
tinybms-ota rollout show "ota/rollouts/$VERSION.jsonl"
