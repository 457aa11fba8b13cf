"""Figures, reports and words to show to others, from results."""
