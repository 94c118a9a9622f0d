#!/bin/sh
# htpasswd -p: the password itself.
. "$LAB_STEPS"

solve
printf '%s:{PLAIN}%s\n' "$LAB_USER" "$password" >auth/htpasswd
