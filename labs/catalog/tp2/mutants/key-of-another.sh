#!/bin/sh
# The private key was made anew, and the certificate kept: nginx refuses to start.
. "$LAB_STEPS"

solve
docker compose down
new_key certs/privkey.pem
docker compose up -d || echo 'refused by nginx, as it should be'
