#!/bin/sh
# The PAT is of the newer, fine-grained kind, which GHCR does not take.
. "$LAB_STEPS"

GHCR_PAT=$(labstack pat new --fine-grained --scopes write:packages --note 'TP-1, machine a')
log_in || echo 'refused by the registry, as it should be'
build
tag
