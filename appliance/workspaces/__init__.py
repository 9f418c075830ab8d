"""Workspaces as their owner sees them: made, and later suspended, exported and destroyed."""
