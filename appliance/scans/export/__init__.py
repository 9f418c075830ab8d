"""Points for other programs: LAZ and PLY, with deviations and the colours that show them."""
