"""``d2r doctor``: checks without effects.  Each names what it measured, what is needed, and the remedy."""
