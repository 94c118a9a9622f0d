#!/bin/sh
# The certificate was good for the year 2020.
. "$LAB_STEPS"

solve
certify "/CN=$name" "DNS:$name" 20200101000000Z 20201231235959Z
restart_proxy
