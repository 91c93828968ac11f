"""Incidents: the aggregate and its transitions, the pipeline that declares them, and what commands may ask of them."""
