#!/bin/sh
# The reference solution of TP-1.
. "$LAB_STEPS"

make_pat
log_in
build
tag
push
pull_on_machine_b
