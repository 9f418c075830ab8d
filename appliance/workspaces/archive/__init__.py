"""A workspace as one file: what stands in it, how it is sealed, written, and read again on another appliance."""
