"""Deliveries that people want again: retries of what failed, replays of what is stored, jobs for many."""
