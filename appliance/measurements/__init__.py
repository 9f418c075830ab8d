"""What plants write down before a measurement: inspection plans and instrument statements."""
