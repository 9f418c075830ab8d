"""Roll-ups of measurements: folded when they are written, taken out when they count no longer, rebuilt bit for bit."""
