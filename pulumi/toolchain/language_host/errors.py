"""The one error family of the language host."""


class HostError(Exception):
    """Something the host can't do; the text is a sentence for the person at the CLI."""


class OptionError(HostError):
    """A runtime option in Pulumi.yaml is unknown, malformed or points nowhere."""


class InterpreterError(HostError):
    """The program's interpreter can't be found or can't be asked."""


class InstallError(HostError):
    """Installing a program's dependencies failed; the tool's own output came before."""
