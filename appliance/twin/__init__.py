"""The digital twin: what is known of an asset's surface, version by version, and what changed between them."""
