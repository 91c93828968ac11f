"""The organisation as YAML: read, checked all at once, and held as plain frozen values. What is done with them is others'."""
