"""What ``d2r up`` runs: Redis, web, live events, workers and scheduler under one parent that keeps them going.

The parent owns nothing but its children: every row and object is safe when it, or any of them, is killed.
"""
