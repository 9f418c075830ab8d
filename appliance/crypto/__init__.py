"""Keys and signatures: the only package that touches a cryptographic library."""
