#!/bin/sh
# Everybody on this machine can read the private key.
. "$LAB_STEPS"

solve
chmod 644 certs/privkey.pem
