#!/bin/sh
# The file of passwords was made anew with another password, which nobody knows.
. "$LAB_STEPS"

solve
htpasswd -Bbc auth/htpasswd "$LAB_USER" "$(random)"
