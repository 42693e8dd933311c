"""Request and answer documents: parsed once, here, into values of the rules."""
