"""The audit log: a Merkle tree of small entries, signed checkpoints, and proofs that outsiders can check."""
