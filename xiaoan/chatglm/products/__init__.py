"""Products with weights as they are stored on a device: one room for each kind of hardware."""
