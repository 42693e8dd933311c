"""Gets the Pulumi CLI, its Python language host and the plugins onto a machine.

Standard library only: it runs under the system's python3, before anything else is installed.
"""
