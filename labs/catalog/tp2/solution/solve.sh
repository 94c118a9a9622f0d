#!/bin/sh
# The reference solution of TP-2.
. "$LAB_STEPS"

solve
