#!/bin/sh
# The certificate will be good one day.
. "$LAB_STEPS"

solve
certify "/CN=$name" "DNS:$name" 20480101000000Z 20491231235959Z
restart_proxy
