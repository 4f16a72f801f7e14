"""Labels of the generator: collision, contacts, force closure, epsilon."""
