#!/bin/sh
# htpasswd -d: crypt(3) of the seventies, of which only eight characters count.
. "$LAB_STEPS"

solve
printf '%s:%s\n' "$LAB_USER" "$(perl -e 'print crypt($ARGV[0], "tp")' "$password")" >auth/htpasswd
