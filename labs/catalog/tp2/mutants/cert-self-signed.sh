#!/bin/sh
# The certificate signs itself, and no client was told to trust it.
. "$LAB_STEPS"

solve
openssl req -x509 -key certs/privkey.pem -subj "/CN=$name" -addext "subjectAltName=DNS:$name" -days 30 -out certs/fullchain.pem
restart_proxy
