"""The commands of ``labcosign``, one module for what goes together.

A command reads its options, works through the rooms beside this one, and prints; faults end it as ``CommandFailed``.
"""
