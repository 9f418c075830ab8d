"""Jobs: one a file, named as they are queued; arguments are ids, running one twice does what running it once does."""
