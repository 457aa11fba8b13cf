"""Frames and arrays in, Plotly figures out; computes nothing about biology, shows nothing."""
