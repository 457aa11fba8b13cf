"""Print-quality figures by matplotlib: sizes in millimetres, fonts in points, no global state."""
