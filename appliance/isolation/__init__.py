"""Whether one workspace can reach another, tried out on the appliance itself: d2r doctor isolation."""
