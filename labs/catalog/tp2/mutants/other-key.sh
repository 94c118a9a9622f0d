#!/bin/sh
# A new pair of keys was made after signing: what is signed was signed by the old one.
. "$LAB_STEPS"

solve
make_keys
