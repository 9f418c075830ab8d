"""Workspaces as their owner sees them: made, suspended, exported, imported, destroyed."""
