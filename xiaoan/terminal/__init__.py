"""Console, theme, panels: the only place that builds rich objects."""
