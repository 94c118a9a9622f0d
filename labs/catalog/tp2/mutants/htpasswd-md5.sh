#!/bin/sh
# htpasswd -m: Apache's MD5.
. "$LAB_STEPS"

solve
printf '%s:%s\n' "$LAB_USER" "$(openssl passwd -apr1 "$password")" >auth/htpasswd
