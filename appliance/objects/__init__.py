"""Sealed objects, named by their content: evidence and results, each under the key of its workspace."""
