"""The grader: CLI → probes → facts → checks → report.

A probe reads and never judges; a check judges and never reads.
"""
