#!/bin/sh
# The name stands in the subject's CN, where no client has looked for years.
. "$LAB_STEPS"

solve
certify "/CN=$name" ''
restart_proxy
