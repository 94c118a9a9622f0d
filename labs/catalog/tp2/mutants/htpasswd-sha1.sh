#!/bin/sh
# htpasswd -s: SHA-1 without salt.
. "$LAB_STEPS"

solve
printf '%s:{SHA}%s\n' "$LAB_USER" "$(printf %s "$password" | openssl dgst -sha1 -binary | openssl base64)" >auth/htpasswd
