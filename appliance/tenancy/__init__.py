"""Who acts, in which workspace, and the scope that proves it to everything below."""
